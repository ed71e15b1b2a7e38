//! How much a file from a stranger may ask for.

/// Bounds that every reader of this crate keeps. The defaults fit any model that fits a machine;
/// raise a single one for an unusual file: `Limits { max_config_bytes: 1 << 28, ..Limits::default() }`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of `config.json`, `metadata.json` or a legacy `model_config` (16 MiB). Parsed JSON
    /// takes many times its text in memory.
    pub max_config_bytes: u64,
    /// Bytes of the weights, packed or not (64 GiB). Memory is only ever taken for bytes that are
    /// really in the file: declared sizes alone allocate nothing.
    pub max_weights_bytes: u64,
    /// How many times larger than its packed size a deflated entry may become (100), beyond the
    /// first mebibyte. Keras itself never packs.
    pub max_deflate_ratio: u64,
    /// Entries of the zip archive (10,000).
    pub max_entries: u64,
    /// HDF5 structures visited: groups, datasets, index nodes (2,000,000).
    pub max_objects: u64,
    /// Nesting of HDF5 groups (64).
    pub max_depth: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            max_config_bytes: 16 << 20,
            max_weights_bytes: 64 << 30,
            max_deflate_ratio: 100,
            max_entries: 10_000,
            max_objects: 2_000_000,
            max_depth: 64,
        }
    }
}
