//! Where the batches of an epoch come from: arrays or a stream, made ahead on another thread where that takes time.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread::{Scope, ScopedJoinHandle};

use burn::tensor::Device;

use super::batches::Batches;
use super::check;
use super::fit_options::Shuffle;
use super::set::{Fed, Names, Resident, Room, Samples, Set, SetBatches};
use super::stream::{Batch, Push, Stream};
use super::weights::ClassWeights;
use crate::backend::is_cpu;
use crate::dims::Dims;
use crate::error::panic_message;
use crate::models::Model;
use crate::random::{Generator, GeneratorState};
use crate::{Error, Result};

/// How many batches are made ahead of the one in use.
const AHEAD: usize = 2;

/// What batches are made from.
#[derive(Debug)]
pub(crate) enum Source<'env> {
    /// Checked arrays.
    Arrays {
        set: &'env dyn Samples,
        batch_size: usize,
        shuffle: Shuffle,
    },
    /// Batches from outside, checked one by one.
    Stream(Stream<'env>),
}

/// How far a feed has come, so that another can go on from there.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Position {
    /// The number of the pass over the data.
    pub pass: usize,
    /// The batches taken in this pass.
    pub taken: usize,
    /// The random generator as it was when the pass was opened.
    pub opened_with: GeneratorState,
}

/// Batches in epochs.
///
/// Without a number of steps an epoch is a pass over the data. With one, an epoch goes on where the last one stopped;
/// when the data run out it ends early, and the next starts from the beginning
/// (`keras/src/trainers/epoch_iterator.py`).
pub(crate) struct Feed<'scope, 'env> {
    scope: &'scope Scope<'scope, 'env>,
    batches: BatchesOf<'env>,
    batches_of_a_pass: Option<usize>,
    steps: Option<usize>,
    step: usize,
    open: Option<Open<'scope, 'env>>,
    position: Position,
    device: Device,
    /// Whether the samples are to lie on the device.
    fits: bool,
    /// The samples there, from the first batch on.
    resident: Option<Resident>,
    /// The shapes of the last batch of a stream for which the device has the memory.
    passed: Vec<Dims>,
}

/// A [`Source`]; a stream is away while another thread runs it.
enum BatchesOf<'env> {
    Arrays {
        set: &'env dyn Samples,
        batch_size: usize,
        shuffle: Shuffle,
    },
    Stream(Option<Stream<'env>>),
}

/// A pass in use.
enum Open<'scope, 'env> {
    Direct(SetBatches<'env>),
    Ahead {
        batches: Receiver<Result<Set<'static>>>,
        /// Gives the stream back.
        thread: ScopedJoinHandle<'scope, Option<Stream<'env>>>,
    },
}

impl<'scope, 'env> Feed<'scope, 'env> {
    /// Batches of `source`, `steps` an epoch if that is given, for `device`, where arrays take of `room` what they need.
    /// `scope` is where the thread that makes them runs.
    pub fn new(
        scope: &'scope Scope<'scope, 'env>,
        source: Source<'env>,
        steps: Option<usize>,
        device: Device,
        room: &mut Room,
    ) -> Self {
        let fits = match &source {
            Source::Arrays { set, .. } => room.take(*set),
            Source::Stream(_) => false,
        };
        let (batches, batches_of_a_pass) = match source {
            Source::Arrays {
                set,
                batch_size,
                shuffle,
            } => {
                let count = Batches::in_order(set.count(), batch_size).count();
                let arrays = BatchesOf::Arrays {
                    set,
                    batch_size,
                    shuffle,
                };
                (arrays, Some(count))
            }
            Source::Stream(stream) => {
                let count = stream.count();
                (BatchesOf::Stream(Some(stream)), count)
            }
        };
        Self {
            scope,
            batches,
            batches_of_a_pass,
            steps,
            step: 0,
            open: None,
            position: Position {
                pass: 0,
                taken: 0,
                opened_with: Generator::new(0).state(),
            },
            device,
            fits,
            resident: None,
            passed: Vec::new(),
        }
    }

    /// The number of batches of an epoch, where it is known.
    pub fn steps(&self) -> Option<usize> {
        self.steps.or(self.batches_of_a_pass)
    }

    fn is_stream(&self) -> bool {
        matches!(self.batches, BatchesOf::Stream(_))
    }

    /// Whether the values of a batch were checked before it was made.
    fn is_checked(&self) -> bool {
        match &self.batches {
            BatchesOf::Arrays { set, .. } => !set.are_in_files(),
            BatchesOf::Stream(_) => false,
        }
    }

    /// How far the feed has come in the pass it is in; `None` between passes.
    pub fn position(&self) -> Option<&Position> {
        self.open.as_ref().map(|_| &self.position)
    }

    /// The number of passes that were ended.
    pub fn pass(&self) -> usize {
        self.position.pass
    }

    /// Makes the next pass that with this number.
    pub fn set_pass(&mut self, pass: usize) {
        self.close();
        self.position.pass = pass;
    }

    /// Starts an epoch; an order is drawn from `generator` where a new pass begins.
    pub fn begin_epoch(&mut self, generator: &mut Generator) {
        self.step = 0;
        if self.open.is_none() {
            self.start(generator, 0);
        }
    }

    /// Starts an epoch from the beginning of the data.
    pub fn begin_anew(&mut self) {
        self.close();
        self.begin_epoch(&mut Generator::new(0));
    }

    /// Goes on from a position inside epoch step number `step`, with the generator it had.
    pub fn resume(&mut self, position: &Position, step: usize) {
        self.close();
        self.position.pass = position.pass;
        self.start(
            &mut Generator::from_state(&position.opened_with),
            position.taken,
        );
        self.step = step;
    }

    /// Opens the pass whose turn it is, after its first `skip` batches.
    fn start(&mut self, generator: &mut Generator, skip: usize) {
        self.position.opened_with = generator.state();
        self.position.taken = skip;
        let pass = self.position.pass;
        self.open = Some(match &mut self.batches {
            BatchesOf::Arrays {
                set,
                batch_size,
                shuffle,
            } => {
                let order = Batches::shuffled(set.count(), *batch_size, *shuffle, generator);
                let mut batches = SetBatches::new(*set, order).after(skip);
                // A GPU works on its own once it was told what to do, and wants the next batch by then.
                let ahead = !self.fits && !is_cpu(&self.device);
                if set.are_in_files() || ahead {
                    self.make_ahead(move |push| {
                        batches.all(|batch| push(batch.map(Batch)));
                        None
                    })
                } else {
                    Open::Direct(batches)
                }
            }
            BatchesOf::Stream(stream) => {
                let stream = stream.take();
                self.make_ahead(move |push| {
                    let mut stream = stream?;
                    let mut skipped = 0;
                    stream.run(pass, &mut |batch| {
                        skipped += 1;
                        if skipped <= skip && batch.is_ok() {
                            return true;
                        }
                        push(batch)
                    });
                    Some(stream)
                })
            }
        });
    }

    /// Runs `make` on another thread, a few batches ahead of who takes them.
    fn make_ahead(
        &self,
        make: impl FnOnce(&mut Push<'_>) -> Option<Stream<'env>> + Send + 'scope,
    ) -> Open<'scope, 'env> {
        let (sender, batches) = sync_channel(AHEAD);
        let thread = self.scope.spawn(move || {
            // Nobody takes batches any more once training has stopped, or after an error.
            let mut push = |batch: Result<Batch>| {
                let failed = batch.is_err();
                sender.send(batch.map(|b| b.0)).is_ok() && !failed
            };
            match catch_unwind(AssertUnwindSafe(|| make(&mut push))) {
                Ok(stream) => stream,
                Err(panic) => {
                    let problem =
                        format!("panicked while it made a batch: {}", panic_message(&*panic));
                    push(Err(Error::data("a stream", problem)));
                    None
                }
            }
        });
        Open::Ahead { batches, thread }
    }

    /// The next batch of the epoch; `None` at its end.
    ///
    /// # Errors
    ///
    /// Those of making the batch; [`Error::Data`] when there is none at all.
    pub fn next(&mut self) -> Result<Option<Fed>> {
        if self.steps.is_some_and(|steps| self.step >= steps) {
            return Ok(None);
        }
        let mut batch = self.take()?;
        if batch.is_none() && self.step == 0 && self.position.taken > 0 {
            // The last epoch happened to end with the last batch of a stream that does not say how many it has.
            self.begin_anew();
            batch = self.take()?;
        }
        let Some(batch) = batch else {
            if self.step == 0 {
                return Err(Error::data(
                    "a stream",
                    "gave no batch for an epoch; a stream made with `Stream::endless` ends once, give it \
                     `steps_per_epoch`, or make it with `Stream::new`, which opens it anew each time",
                ));
            }
            if let Some(steps) = self.steps {
                log::warn!(
                    "the data ran out after {} of {steps} steps; the epoch ends here, and the next starts from the \
                     beginning",
                    self.step
                );
            }
            self.close();
            return Ok(None);
        };
        self.step += 1;
        self.position.taken += 1;
        Ok(Some(batch))
    }

    fn take(&mut self) -> Result<Option<Fed>> {
        if let (BatchesOf::Arrays { set, .. }, true, None) =
            (&self.batches, self.fits, &self.resident)
        {
            self.resident = Some(set.upload(&self.device)?);
        }
        let set = match (&mut self.open, &self.resident) {
            (None, _) => return Ok(None),
            (Some(Open::Direct(pass)), Some(resident)) => {
                let batch = pass
                    .next_rows()
                    .map(|rows| resident.batch(&rows, &self.device));
                return Ok(batch
                    .transpose()?
                    .map(|(x, targets)| Fed::Device(x, targets)));
            }
            (Some(Open::Direct(pass)), None) => pass.next().transpose()?,
            (Some(Open::Ahead { batches, .. }), _) => batches.recv().ok().transpose()?,
        };
        Ok(set.map(Fed::Host))
    }

    /// Ends the pass, and takes back what another thread had of it.
    fn close(&mut self) {
        let Some(open) = self.open.take() else { return };
        self.position.pass += 1;
        if let Open::Ahead { batches, thread } = open {
            drop(batches);
            // A panic was caught there and came as an error.
            let stream = thread.join().unwrap_or(None);
            if let BatchesOf::Stream(slot) = &mut self.batches {
                *slot = stream;
            }
        }
    }

    /// Ends an epoch: a pass that has no batch left is closed, so that the next epoch starts with a new one.
    pub fn end_epoch(&mut self) {
        let used_up = self.batches_of_a_pass == Some(self.position.taken);
        if self.steps.is_none() || used_up {
            self.close();
        }
    }

    /// Checks a batch that came from outside; those of arrays were checked with them.
    ///
    /// # Errors
    ///
    /// [`Error::Shape`] and [`Error::Data`] when it does not fit the model, or the device.
    pub fn checked(
        &mut self,
        batch: Fed,
        model: &Model,
        class_weights: Option<&ClassWeights>,
        training: bool,
    ) -> Result<Fed> {
        let batch = match batch {
            Fed::Host(batch) if !self.is_checked() => batch,
            checked => return Ok(checked),
        };
        let mut batch = batch.check(model, Names::BATCH)?;
        self.check_memory(&batch, model, training)?;
        // The classes of arrays were weighed before they were cut into batches.
        if self.is_stream() {
            batch.weigh_classes(model, class_weights)?;
        }
        Ok(Fed::Host(batch))
    }

    /// Checks a batch that comes without labels.
    ///
    /// # Errors
    ///
    /// As [`Feed::checked`].
    pub fn checked_inputs(&mut self, batch: Fed, model: &Model) -> Result<Fed> {
        let batch = match batch {
            Fed::Host(batch) if !self.is_checked() => batch,
            checked => return Ok(checked),
        };
        let batch = Set {
            x: check::inputs(model, Names::BATCH.x, batch.x)?,
            ..Set::default()
        };
        self.check_memory(&batch, model, false)?;
        Ok(Fed::Host(batch))
    }

    /// Whether a GPU has the memory for a batch of a stream; that of arrays was looked at with `batch_size`. Batches of the
    /// same shapes are looked at once.
    fn check_memory(&mut self, batch: &Set<'_>, model: &Model, training: bool) -> Result<()> {
        if !self.is_stream() || is_cpu(&self.device) {
            return Ok(());
        }
        let x = batch.inputs();
        if x != self.passed {
            let sized = check::BatchSize::Given(Names::BATCH.x);
            let inputs = || x.clone();
            check::batch_fits(
                model,
                &self.device,
                sized,
                batch.samples(),
                inputs,
                training,
            )?;
            self.passed = x;
        }
        Ok(())
    }
}
