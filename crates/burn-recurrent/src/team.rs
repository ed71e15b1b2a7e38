//! Threads that join one piece of work made of phases with a barrier between them.
//!
//! Work is cut into phases, a phase into tasks; all tasks of a phase are done before the next begins.
//! Threads of the current rayon pool join when they can, and nobody ever waits for one that has not
//! come: a task is only waited for once somebody runs it. So the barrier cannot deadlock in a busy or
//! a one-thread pool, and costs well under a microsecond when all are there.
//!
//! What a task computes depends on its number alone, never on who runs it, which is what makes
//! results the same for any number of threads.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// One piece of work: `phases` of `tasks(phase)` calls of `run(phase, task)`.
pub(crate) trait Work: Sync {
    /// Number of phases.
    fn phases(&self) -> usize;
    /// Number of tasks in a phase, at least one.
    fn tasks(&self, phase: usize) -> usize;
    /// Does one task.
    fn run(&self, phase: usize, task: usize);
}

/// How many threads can work at once, this one among them.
pub(crate) fn threads() -> usize {
    rayon::current_num_threads()
}

/// Does all of `work`, with up to `helpers` more threads.
pub(crate) fn run<W: Work>(work: &W, helpers: usize) {
    let helpers = helpers
        .min(threads().saturating_sub(1))
        .min(MAX_MEMBERS - 1);
    if helpers == 0 {
        for phase in 0..work.phases() {
            for task in 0..work.tasks(phase) {
                work.run(phase, task);
            }
        }
        return;
    }
    let team = Arc::new(Team::new(work.phases(), helpers + 1, work.tasks(0)));
    // Erased, as rayon's jobs must not borrow.
    let erased = Erased(std::ptr::from_ref(work).cast());
    let help: unsafe fn(&Team, Erased, usize) = help::<W>;
    for rank in 1..=helpers {
        let team = team.clone();
        rayon::spawn(move || {
            if team.enter() {
                let _leave = Leave(&team);
                // SAFETY: `work` outlives the team's open time: `Close` below waits until all who
                // entered have left, and nobody enters afterwards.
                unsafe { help(&team, erased, rank) };
            }
            drop(team);
            linger();
        });
    }
    let _close = Close(&team);
    team.work(work, 0);
}

/// How long a helper stays awake for more work. Waking a thread takes as long as a small layer's pass,
/// and in training the next one comes soon.
const LINGER: Duration = Duration::from_micros(200);

thread_local! {
    static LINGERS: Cell<bool> = const { Cell::new(false) };
}

/// Waits a while for more work in the pool, and does it.
fn linger() {
    // A job that was found here ends here, too: the loop further out goes on, on a stack that stays as it is.
    if LINGERS.replace(true) {
        return;
    }
    let mut idle = Instant::now();
    while idle.elapsed() < LINGER {
        if rayon::yield_now() == Some(rayon::Yield::Executed) {
            idle = Instant::now();
        }
        std::hint::spin_loop();
    }
    LINGERS.set(false);
}

const MAX_MEMBERS: usize = 64;
/// Set in `inside` once the work is over.
const CLOSED: usize = 1 << (usize::BITS - 1);

#[derive(Clone, Copy)]
struct Erased(*const ());
// SAFETY: it points to a `Work`, which is `Sync`, and is only read while the owner waits.
unsafe impl Send for Erased {}

/// Works along as member `rank`.
///
/// # Safety
///
/// `work` points to a live `W`.
unsafe fn help<W: Work>(team: &Team, work: Erased, rank: usize) {
    // SAFETY: the caller's word.
    let work = unsafe { &*work.0.cast::<W>() };
    // The owner sees `broken` and panics in our stead; here a panic would end the process.
    let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| team.work(work, rank)));
}

/// On a cache line of its own, as two threads write neighbours all the time.
#[repr(align(128))]
struct Lane(AtomicU64);

struct Team {
    phases: usize,
    members: usize,
    /// For each member the phase (high half) and the next unclaimed task of its share (low half).
    /// The phase in it makes a late comer's claim on an old phase fail.
    next: Box<[Lane]>,
    /// The phase in the high half, its finished tasks in the low one.
    done: Lane,
    /// The phase that may be worked on.
    phase: Lane,
    inside: AtomicUsize,
    broken: AtomicBool,
}

/// First task of `rank`'s share: neighbours, so that a member meets the same data in every phase.
fn share(rank: usize, members: usize, tasks: usize) -> usize {
    rank * tasks / members
}

impl Team {
    fn new(phases: usize, members: usize, tasks: usize) -> Self {
        let lane = |v: usize| Lane(AtomicU64::new(v as u64));
        Self {
            phases,
            members,
            next: (0..members)
                .map(|rank| lane(share(rank, members, tasks)))
                .collect(),
            done: lane(0),
            phase: lane(0),
            inside: AtomicUsize::new(0),
            broken: AtomicBool::new(false),
        }
    }

    fn enter(&self) -> bool {
        let before = self.inside.fetch_add(1, Ordering::AcqRel);
        if before & CLOSED != 0 {
            self.inside.fetch_sub(1, Ordering::AcqRel);
            return false;
        }
        true
    }

    /// Takes a task of `owner`'s share, if the phase is still on and one is left.
    fn claim(&self, owner: usize, phase: usize, tasks: usize) -> Option<usize> {
        let end = share(owner + 1, self.members, tasks);
        let mut seen = self.next[owner].0.load(Ordering::Acquire);
        loop {
            let task = (seen & 0xffff_ffff) as usize;
            if (seen >> 32) as usize != phase || task >= end {
                return None;
            }
            match self.next[owner].0.compare_exchange_weak(
                seen,
                seen + 1,
                Ordering::AcqRel,
                Ordering::Acquire,
            ) {
                Ok(_) => return Some(task),
                Err(now) => seen = now,
            }
        }
    }

    fn work<W: Work>(&self, work: &W, rank: usize) {
        let mut phase = self.phase.0.load(Ordering::Acquire) as usize;
        while phase < self.phases {
            let tasks = work.tasks(phase);
            for owner in (rank..self.members).chain(0..rank) {
                while let Some(task) = self.claim(owner, phase, tasks) {
                    let breaks = Breaks(self);
                    work.run(phase, task);
                    std::mem::forget(breaks);
                    self.finish(work, phase, tasks);
                }
            }
            let mut spins = 0u32;
            loop {
                let now = self.phase.0.load(Ordering::Acquire) as usize;
                if now != phase {
                    phase = now;
                    break;
                }
                assert!(
                    !self.broken.load(Ordering::Relaxed),
                    "another thread of the team panicked"
                );
                spins += 1;
                if spins < 2000 {
                    std::hint::spin_loop();
                } else {
                    std::thread::yield_now();
                }
            }
        }
    }

    /// Counts a finished task; the last one opens the next phase.
    fn finish<W: Work>(&self, work: &W, phase: usize, tasks: usize) {
        if self.done.0.fetch_add(1, Ordering::AcqRel) + 1 != tasks as u64 {
            return;
        }
        // Every task is claimed and done, so nobody else writes these until `phase` moves on.
        self.done.0.store(0, Ordering::Relaxed);
        let next = phase + 1;
        if next < self.phases {
            let tasks = work.tasks(next);
            for (rank, lane) in self.next.iter().enumerate() {
                let first = share(rank, self.members, tasks) as u64;
                lane.0.store((next as u64) << 32 | first, Ordering::Release);
            }
        }
        self.phase.0.store(next as u64, Ordering::Release);
    }
}

/// Marks the team broken if a task panics, so that the others stop waiting for it.
struct Breaks<'a>(&'a Team);
impl Drop for Breaks<'_> {
    fn drop(&mut self) {
        self.0.broken.store(true, Ordering::Release);
    }
}

struct Leave<'a>(&'a Team);
impl Drop for Leave<'_> {
    fn drop(&mut self) {
        self.0.inside.fetch_sub(1, Ordering::AcqRel);
    }
}

struct Close<'a>(&'a Team);
impl Drop for Close<'_> {
    fn drop(&mut self) {
        let mut inside = self.0.inside.fetch_or(CLOSED, Ordering::AcqRel) & !CLOSED;
        while inside != 0 {
            std::hint::spin_loop();
            std::thread::yield_now();
            inside = self.0.inside.load(Ordering::Acquire) & !CLOSED;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Sums {
        cells: Vec<Vec<AtomicUsize>>,
    }

    impl Work for Sums {
        fn phases(&self) -> usize {
            self.cells.len()
        }
        fn tasks(&self, phase: usize) -> usize {
            self.cells[phase].len()
        }
        fn run(&self, phase: usize, task: usize) {
            let before = match phase {
                0 => 1,
                _ => self.cells[phase - 1]
                    .iter()
                    .map(|c| c.load(Ordering::Relaxed))
                    .sum(),
            };
            assert_ne!(before, 0, "a phase began before the last one was done");
            self.cells[phase][task].fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn every_task_runs_once_and_phases_follow_each_other_for_any_number_of_threads() {
        for threads in [1, 2, 4, 7] {
            let pool = rayon::ThreadPoolBuilder::new()
                .num_threads(threads)
                .build()
                .unwrap();
            for tasks in [1, 2, 3, 17] {
                let cells = (0..200).map(|p| (0..(tasks + p % 3)).map(|_| 0.into()).collect());
                let work = Sums {
                    cells: cells.collect(),
                };
                pool.install(|| run(&work, threads));
                run(&work, threads);
                for cell in work.cells.iter().flatten() {
                    assert_eq!(cell.load(Ordering::Relaxed), 2);
                }
            }
        }
    }

    #[test]
    fn work_that_follows_work_needs_no_more_stack() {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(2)
            .stack_size(256 << 10)
            .build()
            .unwrap();
        let cells = (0..2).map(|_| (0..2).map(|_| 0.into()).collect());
        let work = Sums {
            cells: cells.collect(),
        };
        for _ in 0..50_000 {
            pool.install(|| run(&work, 1));
        }
        for cell in work.cells.iter().flatten() {
            assert_eq!(cell.load(Ordering::Relaxed), 50_000);
        }
    }

    struct Panics;
    impl Work for Panics {
        fn phases(&self) -> usize {
            2
        }
        fn tasks(&self, _: usize) -> usize {
            4
        }
        fn run(&self, phase: usize, task: usize) {
            assert!(phase == 0 || task != 2, "on purpose");
        }
    }

    #[test]
    fn a_panic_in_a_task_reaches_the_caller_instead_of_hanging() {
        for helpers in [0, 1, 3] {
            assert!(std::panic::catch_unwind(|| run(&Panics, helpers)).is_err());
        }
    }
}
