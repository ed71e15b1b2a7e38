//! TensorBoard's event files: records of protocol buffers, each with its checksums.
//!
//! The messages are those of TensorFlow's `event.proto`, `summary.proto` and `tensor.proto`, as far as they are written
//! here; TensorBoard's own reader is held against them in `tests/tensorboard_check.py`.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use prost::Message;

use crate::{Error, Result};

#[derive(Clone, PartialEq, Message)]
struct Event {
    #[prost(double, tag = "1")]
    wall_time: f64,
    #[prost(int64, tag = "2")]
    step: i64,
    #[prost(oneof = "What", tags = "3, 5")]
    what: Option<What>,
}

#[derive(Clone, PartialEq, prost::Oneof)]
enum What {
    #[prost(string, tag = "3")]
    FileVersion(String),
    #[prost(message, tag = "5")]
    Summary(Summary),
}

#[derive(Clone, PartialEq, Message)]
struct Summary {
    #[prost(message, repeated, tag = "1")]
    value: Vec<SummaryValue>,
}

#[derive(Clone, PartialEq, Message)]
struct SummaryValue {
    #[prost(string, tag = "1")]
    tag: String,
    #[prost(message, optional, tag = "9")]
    metadata: Option<SummaryMetadata>,
    #[prost(message, optional, tag = "8")]
    tensor: Option<TensorProto>,
}

#[derive(Clone, PartialEq, Message)]
struct SummaryMetadata {
    #[prost(message, optional, tag = "1")]
    plugin_data: Option<PluginData>,
    /// 1 for scalars, 2 for tensors, 3 for what is large.
    #[prost(int32, tag = "4")]
    data_class: i32,
}

#[derive(Clone, PartialEq, Message)]
struct PluginData {
    #[prost(string, tag = "1")]
    plugin_name: String,
    #[prost(bytes = "vec", tag = "2")]
    content: Vec<u8>,
}

#[derive(Clone, PartialEq, Message)]
struct TensorProto {
    #[prost(int32, tag = "1")]
    dtype: i32,
    #[prost(message, optional, tag = "2")]
    tensor_shape: Option<TensorShape>,
    #[prost(bytes = "vec", tag = "4")]
    tensor_content: Vec<u8>,
    #[prost(float, repeated, tag = "5")]
    float_val: Vec<f32>,
    #[prost(bytes = "vec", repeated, tag = "8")]
    string_val: Vec<Vec<u8>>,
}

#[derive(Clone, PartialEq, Message)]
struct TensorShape {
    #[prost(message, repeated, tag = "2")]
    dim: Vec<Dim>,
}

#[derive(Clone, PartialEq, Message)]
struct Dim {
    #[prost(int64, tag = "1")]
    size: i64,
}

const DT_FLOAT: i32 = 1;
const DT_DOUBLE: i32 = 2;
const DT_STRING: i32 = 7;

/// How many bars a histogram has, as in `tf.summary.histogram`.
const BUCKETS: usize = 30;

/// An event file that is being written; each event is in the file once its call returns.
#[derive(Debug)]
pub(super) struct EventFile {
    path: PathBuf,
    file: File,
}

static FILES: AtomicU64 = AtomicU64::new(0);

impl EventFile {
    /// A new file in this folder, which is made if it is not there.
    ///
    /// # Errors
    ///
    /// [`Error::File`] for what the system refuses.
    pub fn create(folder: &Path) -> Result<Self> {
        // Names differ even for files of one second and process; TensorBoard reads a folder's files in their order.
        let path = folder.join(format!(
            "events.out.tfevents.{:010}.{}.{}.v2",
            now().as_secs(),
            std::process::id(),
            FILES.fetch_add(1, Ordering::Relaxed)
        ));
        let failed = |e: std::io::Error| Error::File {
            path: path.display().to_string(),
            problem: format!("cannot make the event file: {e}"),
        };
        std::fs::create_dir_all(folder).map_err(failed)?;
        let file = OpenOptions::new()
            .create_new(true)
            .append(true)
            .open(&path)
            .map_err(failed)?;
        let mut events = Self { path, file };
        events.write(0, What::FileVersion("brain.Event:2".to_string()))?;
        Ok(events)
    }

    /// A number under a tag.
    pub fn scalar(&mut self, tag: &str, step: i64, value: f64) -> Result<()> {
        let tensor = TensorProto {
            dtype: DT_FLOAT,
            tensor_shape: Some(TensorShape::default()),
            float_val: vec![value as f32],
            ..TensorProto::default()
        };
        self.tensor(tag, step, "scalars", 1, Vec::new(), tensor)
    }

    /// How values are spread: 30 bars `[from, to, count]` of one width.
    pub fn histogram(&mut self, tag: &str, step: i64, values: &[f32]) -> Result<()> {
        let bars = histogram(values);
        let tensor = TensorProto {
            dtype: DT_DOUBLE,
            tensor_shape: Some(TensorShape {
                dim: [bars.len(), 3]
                    .map(|size| Dim { size: size as i64 })
                    .to_vec(),
            }),
            tensor_content: bars
                .iter()
                .flatten()
                .flat_map(|v| v.to_le_bytes())
                .collect(),
            ..TensorProto::default()
        };
        self.tensor(tag, step, "histograms", 2, Vec::new(), tensor)
    }

    /// A model's Keras JSON, which TensorBoard draws.
    pub fn model(&mut self, tag: &str, json: String) -> Result<()> {
        let tensor = TensorProto {
            dtype: DT_STRING,
            tensor_shape: Some(TensorShape::default()),
            string_val: vec![json.into_bytes()],
            ..TensorProto::default()
        };
        self.tensor(tag, 0, "graph_keras_model", 0, b"1".to_vec(), tensor)
    }

    fn tensor(
        &mut self,
        tag: &str,
        step: i64,
        plugin: &str,
        data_class: i32,
        content: Vec<u8>,
        tensor: TensorProto,
    ) -> Result<()> {
        let value = SummaryValue {
            tag: tag.to_string(),
            metadata: Some(SummaryMetadata {
                plugin_data: Some(PluginData {
                    plugin_name: plugin.to_string(),
                    content,
                }),
                data_class,
            }),
            tensor: Some(tensor),
        };
        self.write(step, What::Summary(Summary { value: vec![value] }))
    }

    fn write(&mut self, step: i64, what: What) -> Result<()> {
        let event = Event {
            wall_time: now().as_secs_f64(),
            step,
            what: Some(what),
        };
        let record = record(&event.encode_to_vec());
        self.file.write_all(&record).map_err(|e| Error::File {
            path: self.path.display().to_string(),
            problem: format!("cannot write an event: {e}"),
        })
    }
}

fn now() -> std::time::Duration {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
}

/// Length, its checksum, the data, their checksum: TFRecord's framing.
fn record(data: &[u8]) -> Vec<u8> {
    let length = (data.len() as u64).to_le_bytes();
    let mut record = Vec::with_capacity(data.len() + 16);
    record.extend(length);
    record.extend(checksum(&length).to_le_bytes());
    record.extend(data);
    record.extend(checksum(data).to_le_bytes());
    record
}

/// CRC-32C turned and shifted, so that checksums of data with checksums inside stay apart.
fn checksum(data: &[u8]) -> u32 {
    crc32c::crc32c(data)
        .rotate_right(15)
        .wrapping_add(0xa282_ead8)
}

/// Bars over the range of the values that are numbers; one bar of width 1 where all are the same.
fn histogram(values: &[f32]) -> Vec<[f64; 3]> {
    let numbers = || {
        values
            .iter()
            .filter(|v| v.is_finite())
            .map(|v| f64::from(*v))
    };
    let low = numbers().fold(f64::INFINITY, f64::min);
    let high = numbers().fold(f64::NEG_INFINITY, f64::max);
    if low > high {
        return Vec::new();
    }
    if low == high {
        return vec![[low - 0.5, low + 0.5, numbers().count() as f64]];
    }
    let width = (high - low) / BUCKETS as f64;
    let mut counts = [0.0; BUCKETS];
    for value in numbers() {
        let bar = ((value - low) / width) as usize;
        counts[bar.min(BUCKETS - 1)] += 1.0;
    }
    counts
        .iter()
        .enumerate()
        .map(|(i, count)| {
            let edge = |i: usize| {
                if i == BUCKETS {
                    high
                } else {
                    low + width * i as f64
                }
            };
            [edge(i), edge(i + 1), *count]
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The events of a file, read record by record with their checksums.
    fn read(path: &Path) -> Vec<Event> {
        let bytes = std::fs::read(path).unwrap();
        let mut rest = bytes.as_slice();
        let mut events = Vec::new();
        while !rest.is_empty() {
            let (length, after) = rest.split_at(8);
            let (length_sum, after) = after.split_at(4);
            assert_eq!(length_sum, checksum(length).to_le_bytes());
            let length = u64::from_le_bytes(length.try_into().unwrap()) as usize;
            let (data, after) = after.split_at(length);
            let (data_sum, after) = after.split_at(4);
            assert_eq!(data_sum, checksum(data).to_le_bytes());
            events.push(Event::decode(data).unwrap());
            rest = after;
        }
        events
    }

    #[test]
    fn written_events_are_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let mut file = EventFile::create(folder.path()).unwrap();
        file.scalar("epoch_loss", 3, 0.25).unwrap();
        file.histogram("dense/kernel/histogram", 4, &[0.0, 1.0, 1.0, f32::NAN])
            .unwrap();
        let events = read(&file.path);
        assert_eq!(events.len(), 3);
        assert_eq!(
            events[0].what,
            Some(What::FileVersion("brain.Event:2".to_string()))
        );
        let Some(What::Summary(scalar)) = &events[1].what else {
            panic!("no summary")
        };
        assert_eq!(events[1].step, 3);
        assert_eq!(scalar.value[0].tag, "epoch_loss");
        assert_eq!(scalar.value[0].tensor.as_ref().unwrap().float_val, [0.25]);
        let Some(What::Summary(bars)) = &events[2].what else {
            panic!("no summary")
        };
        let content = &bars.value[0].tensor.as_ref().unwrap().tensor_content;
        assert_eq!(content.len(), BUCKETS * 3 * 8);
    }

    #[test]
    fn the_checksum_is_tensorflows() {
        // The first 12 bytes of every event file TensorFlow 2 writes: a length of 24 and its checksum.
        let length = 24u64.to_le_bytes();
        assert_eq!(checksum(&length).to_le_bytes(), [0xa3, 0x7f, 0x4b, 0x22]);
    }

    #[test]
    fn every_value_is_in_one_bar() {
        let values: Vec<f32> = (0..1000).map(|i| (i as f32 * 0.37).sin()).collect();
        let bars = histogram(&values);
        assert_eq!(bars.len(), BUCKETS);
        assert_eq!(bars.iter().map(|b| b[2]).sum::<f64>(), 1000.0);
        assert!(bars.windows(2).all(|pair| pair[0][1] == pair[1][0]));
        assert_eq!(histogram(&[2.0; 5]), [[1.5, 2.5, 5.0]]);
        assert!(histogram(&[f32::NAN]).is_empty());
    }
}
