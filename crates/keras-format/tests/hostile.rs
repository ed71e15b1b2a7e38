//! Bad files, a named test for each way a file can be bad. None may panic, hang or fill the memory.

mod support;

use std::io::{Cursor, Write};

use keras_format::{
    Error, Limits, Weights, read_model, read_model_bytes, read_weights, read_weights_bytes,
};
use proptest::prelude::*;
use support::{bytes, fixture};
use zip::write::SimpleFileOptions;

/// Reads bytes both ways and holds that no panic had to be caught.
fn survives(bytes: &[u8]) -> bool {
    let limits = Limits::default();
    let model = read_model_bytes(bytes, &limits).map(|_| ());
    let weights = read_weights_bytes(bytes, &limits).map(|_| ());
    for result in [&model, &weights] {
        if let Err(error) = result {
            assert!(!error.to_string().contains("unforeseen"), "{error}");
        }
    }
    model.is_ok() || weights.is_ok()
}

fn refuse(name: &str) -> Error {
    read_weights(fixture(&format!("hostile_{name}.weights.h5"))).unwrap_err()
}

#[test]
fn files_that_are_something_else_are_said_to_be() {
    for (bytes, words) in [
        (&b""[..], "it is empty"),
        (b"PK", "neither a zip archive"),
        (b"{\"class_name\": \"Sequential\"}", "neither a zip archive"),
        (b"PK\x03\x04 and then nothing", "zip archive"),
        (b"\x89HDF\r\n\x1a\n", "superblock"),
    ] {
        let error = read_model_bytes(bytes, &Limits::default())
            .unwrap_err()
            .to_string();
        assert!(error.contains(words), "{error}");
    }
    let missing = read_model("/nowhere/m.keras").unwrap_err().to_string();
    assert!(
        missing.starts_with("/nowhere/m.keras: cannot open the file"),
        "{missing}"
    );
    let directory = read_model(env!("CARGO_MANIFEST_DIR")).unwrap_err();
    assert!(
        matches!(directory.root(), Error::NotAFile(_)),
        "{directory}"
    );
}

#[test]
fn an_archive_cut_off_anywhere_is_an_error() {
    let whole = bytes("k3_single.keras");
    for length in 0..whole.len() {
        assert!(
            !survives(&whole[..length]),
            "{length} of {} bytes",
            whole.len()
        );
    }
}

#[test]
fn hdf5_cut_off_anywhere_is_an_error() {
    for name in ["k3_trained.weights.h5", "k2_trained.h5"] {
        let whole = bytes(name);
        for length in (0..whole.len()).step_by(13) {
            assert!(
                !survives(&whole[..length]),
                "{name}, {length} of {} bytes",
                whole.len()
            );
        }
    }
}

#[test]
fn every_single_byte_of_an_hdf5_file_may_be_wrong() {
    for name in ["k3_trained.weights.h5", "k2_hard.h5"] {
        let mut bad = bytes(name);
        for at in 0..bad.len() {
            let good = bad[at];
            for wrong in [0xff, good ^ 0x01] {
                bad[at] = wrong;
                survives(&bad);
            }
            bad[at] = good;
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn flipped_and_overwritten_bytes_never_panic(
        file in prop::sample::select(vec!["k3_trained.weights.h5", "k3_trained.keras", "k2_graph.h5", "k33_trained.h5"]),
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<[u8; 8]>(), 1usize..9), 1..6),
    ) {
        let mut bad = bytes(file);
        for (index, value, length) in edits {
            let at = index.index(bad.len());
            let end = (at + length).min(bad.len());
            bad[at..end].copy_from_slice(&value[..end - at]);
        }
        survives(&bad);
    }

    #[test]
    fn addresses_that_point_anywhere_never_panic(
        pairs in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>()), 1..4),
    ) {
        // Addresses and lengths are 8 bytes on a multiple of 8.
        let mut bad = bytes("k3_trained.weights.h5");
        for (at, to) in pairs {
            let (at, to) = (at.index(bad.len() / 8) * 8, to.index(bad.len() / 8) * 8);
            bad[at..at + 8].copy_from_slice(&(to as u64).to_le_bytes());
        }
        survives(&bad);
    }
}

#[test]
fn links_out_of_the_tree_are_refused() {
    for (name, words) in [
        ("soft_link", "a soft link"),
        ("external_link", "a link into another file"),
    ] {
        let error = refuse(name);
        assert!(
            matches!(error.root(), Error::Hdf5Feature { object, .. } if object == "/layers/dense/vars/0"),
            "{error}"
        );
        assert!(error.to_string().contains(words), "{error}");
    }
}

#[test]
fn data_out_of_the_file_is_refused() {
    for (name, words) in [
        ("external_data", "data in another file"),
        ("virtual", "a virtual dataset"),
    ] {
        let error = refuse(name).to_string();
        assert!(error.contains(words), "{error}");
    }
}

#[test]
fn data_in_chunks_is_refused_however_much_it_declares() {
    assert!(refuse("chunked").to_string().contains("chunked"));
    assert!(refuse("gzip").to_string().contains("compressed"));
}

#[test]
fn a_shape_without_data_is_refused() {
    let error = refuse("unwritten").to_string();
    assert!(error.contains("never written"), "{error}");
}

#[test]
fn dense_links_are_refused() {
    assert!(refuse("dense").to_string().contains("dense link storage"));
}

/// A weights file whose one object has a single array under this name.
fn only(name: &str) -> Vec<u8> {
    let mut file = hdf5_pure::FileBuilder::new();
    let mut vars = file.create_group("vars");
    vars.create_dataset(name).with_f32_data(&[1.0]);
    file.add_group(vars.finish());
    file.finish().unwrap()
}

#[test]
fn variables_with_a_gap_or_with_names_are_refused() {
    assert!(read_weights_bytes(&only("0"), &Limits::default()).is_ok());
    let gap = read_weights_bytes(&only("1"), &Limits::default()).unwrap_err();
    assert!(
        matches!(&gap, Error::MissingWeight(path) if path == "vars/0"),
        "{gap}"
    );
    for name in ["vocabulary", "00", "+0", "-1", "99999999999999999999"] {
        let error = read_weights_bytes(&only(name), &Limits::default()).unwrap_err();
        assert!(
            error.to_string().contains(&format!("/vars/{name}")),
            "{error}"
        );
    }
}

#[test]
fn big_endian_numbers_and_names_of_fixed_length_are_read() {
    let Weights::Tree(tree) = read_weights(fixture("big_endian.weights.h5")).unwrap() else {
        panic!()
    };
    let dense = tree.get("layers/dense").unwrap();
    assert_eq!(
        dense.arrays[0].to_f32().as_ref(),
        [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]
    );
    assert_eq!(dense.name.as_deref(), Some("dense"));
}

#[test]
fn a_list_of_names_cut_into_attributes_is_put_together() {
    let Weights::Legacy(weights) = read_weights(fixture("split_names.h5")).unwrap() else {
        panic!()
    };
    let names: Vec<_> = weights
        .layers
        .iter()
        .map(|layer| layer.name.as_str())
        .collect();
    assert_eq!(
        names,
        [
            "layer_0_0",
            "layer_0_1",
            "layer_1_0",
            "layer_1_1",
            "layer_2_0",
            "layer_2_1"
        ]
    );
    assert_eq!(
        weights.layers[5].weights[0].array.to_f32().as_ref(),
        [2.0, 2.0]
    );
}

/// Places where `pattern` begins.
fn positions(bytes: &[u8], pattern: &[u8]) -> Vec<usize> {
    (0..bytes.len() - pattern.len())
        .filter(|&at| bytes[at..].starts_with(pattern))
        .collect()
}

fn patched(bytes: &[u8], at: usize, value: u64) -> Vec<u8> {
    let mut bad = bytes.to_vec();
    bad[at..at + 8].copy_from_slice(&value.to_le_bytes());
    bad
}

#[test]
fn a_shape_larger_than_the_file_takes_no_memory() {
    let good = bytes("k3_trained.weights.h5");
    let mut shape = 5u64.to_le_bytes().to_vec();
    shape.extend(20u64.to_le_bytes()); // recurrent_kernel of the first LSTM
    let found = positions(&good, &shape);
    assert!(!found.is_empty());
    let untouched = read_weights_bytes(&good, &Limits::default()).unwrap();
    let mut refused = 0;
    for at in found {
        for rows in [1 << 20, 1 << 40, u64::MAX / 16, u64::MAX] {
            match read_weights_bytes(&patched(&good, at, rows), &Limits::default()) {
                Err(error) => {
                    assert!(matches!(error, Error::Corrupt { .. }), "{error}");
                    refused += 1;
                }
                // What a dataset might grow to stands beside its shape.
                Ok(weights) => assert!(weights == untouched),
            }
        }
    }
    assert!(refused >= 4);
}

#[test]
fn one_array_under_many_names_is_refused() {
    // Point every dataset of the tree at the header of one: more bytes come out than are there.
    let good = bytes("k3_trained.weights.h5");
    let mut bad = good.clone();
    let nodes = positions(&good, b"SNOD");
    let mut first = None;
    for node in nodes {
        let count = u16::from_le_bytes([good[node + 6], good[node + 7]]) as usize;
        for entry in 0..count {
            let at = node + 8 + entry * 40 + 8;
            let cached =
                u32::from_le_bytes([good[at + 8], good[at + 9], good[at + 10], good[at + 11]]);
            if cached == 0 {
                let address: [u8; 8] = good[at..at + 8].try_into().unwrap();
                let first = first.get_or_insert(address);
                bad[at..at + 8].copy_from_slice(first.as_slice());
            }
        }
    }
    assert!(first.is_some());
    survives(&bad);
}

#[test]
fn a_group_inside_of_itself_ends() {
    let good = bytes("k3_trained.weights.h5");
    let root = u64::from_le_bytes(good[64..72].try_into().unwrap());
    for node in positions(&good, b"SNOD") {
        let count = u16::from_le_bytes([good[node + 6], good[node + 7]]) as usize;
        for entry in 0..count {
            let bad = patched(&good, node + 8 + entry * 40 + 8, root);
            // The entry's cached copy of the group's addresses is not what is read.
            let error = read_weights_bytes(&bad, &Limits::default()).unwrap_err();
            assert!(
                matches!(
                    error,
                    Error::TooLarge { .. } | Error::Corrupt { .. } | Error::Hdf5Feature { .. }
                ),
                "{error}"
            );
        }
    }
}

#[test]
fn an_index_that_leads_back_into_itself_ends() {
    let good = bytes("k3_trained.weights.h5");
    for node in positions(&good, b"TREE") {
        for level in [0u8, 1, 200] {
            let mut bad = patched(&good, node + 32, node as u64);
            bad[node + 5] = level;
            bad[node + 6..node + 8].copy_from_slice(&u16::MAX.to_le_bytes());
            assert!(read_weights_bytes(&bad, &Limits::default()).is_err());
        }
    }
}

#[test]
fn limits_hold() {
    let weights = bytes("k3_trained.weights.h5");
    for limits in [
        Limits {
            max_objects: 100,
            ..Limits::default()
        },
        Limits {
            max_depth: 2,
            ..Limits::default()
        },
    ] {
        let error = read_weights_bytes(&weights, &limits).unwrap_err();
        assert!(matches!(error, Error::TooLarge { .. }), "{error}");
    }
    let model = bytes("k3_trained.keras");
    for limits in [
        Limits {
            max_config_bytes: 1000,
            ..Limits::default()
        },
        Limits {
            max_weights_bytes: 1000,
            ..Limits::default()
        },
        Limits {
            max_entries: 2,
            ..Limits::default()
        },
    ] {
        let error = read_model_bytes(&model, &limits).unwrap_err();
        assert!(matches!(error, Error::TooLarge { .. }), "{error}");
    }
}

/// An archive of the given entries.
fn archive(entries: &[(&str, &[u8], zip::CompressionMethod)]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content, method) in entries {
        zip.start_file(
            *name,
            SimpleFileOptions::default().compression_method(*method),
        )
        .unwrap();
        zip.write_all(content).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

const STORED: zip::CompressionMethod = zip::CompressionMethod::Stored;
const DEFLATED: zip::CompressionMethod = zip::CompressionMethod::Deflated;

#[test]
fn an_archive_without_one_of_its_parts_says_which() {
    for missing in ["metadata.json", "config.json", "model.weights.h5"] {
        let all = [
            ("metadata.json", &b"{}"[..], STORED),
            ("config.json", b"{}", STORED),
            ("model.weights.h5", b"", STORED),
        ];
        let entries: Vec<_> = all
            .into_iter()
            .filter(|(name, ..)| *name != missing)
            .collect();
        let error = read_model_bytes(&archive(&entries), &Limits::default()).unwrap_err();
        assert!(
            matches!(error, Error::MissingEntry(name) if name == missing),
            "{error}"
        );
    }
}

#[test]
fn a_deflated_archive_is_read() {
    let good = bytes("k3_single.keras");
    let mut source = zip::ZipArchive::new(Cursor::new(&good)).unwrap();
    let mut parts = Vec::new();
    for name in ["metadata.json", "config.json", "model.weights.h5"] {
        let mut content = Vec::new();
        std::io::copy(&mut source.by_name(name).unwrap(), &mut content).unwrap();
        parts.push((name, content));
    }
    let entries: Vec<_> = parts
        .iter()
        .map(|(name, content)| (*name, content.as_slice(), DEFLATED))
        .collect();
    let packed = read_model_bytes(&archive(&entries), &Limits::default()).unwrap();
    assert_eq!(packed, read_model_bytes(&good, &Limits::default()).unwrap());
}

#[test]
fn a_zip_bomb_is_refused_by_what_it_declares_and_by_what_it_unpacks_to() {
    let zeros = vec![b' '; 15 << 20];
    let bomb = archive(&[
        ("metadata.json", b"{}", STORED),
        ("config.json", &zeros, DEFLATED),
        ("model.weights.h5", b"", STORED),
    ]);
    let error = read_model_bytes(&bomb, &Limits::default()).unwrap_err();
    assert!(
        matches!(&error, Error::TooLarge { what, .. } if what.contains("config.json")),
        "{error}"
    );
    // The same with a declared size that would be allowed: 1000 in the local header and the
    // central directory.
    let mut liar = bomb.clone();
    for at in positions(&bomb, &(15u32 << 20).to_le_bytes()) {
        liar[at..at + 4].copy_from_slice(&1000u32.to_le_bytes());
    }
    assert_ne!(liar, bomb);
    let error = read_model_bytes(&liar, &Limits::default()).unwrap_err();
    assert!(
        matches!(error, Error::TooLarge { .. } | Error::Corrupt { .. }),
        "{error}"
    );
}

#[test]
fn names_that_climb_out_are_never_used_as_paths() {
    let directory = tempfile::tempdir().unwrap();
    let inside = directory.path().join("a/b");
    std::fs::create_dir_all(&inside).unwrap();
    let path = inside.join("m.keras");
    let evil = archive(&[
        ("../../evil", b"x", STORED),
        ("/tmp/keras-format-evil", b"x", STORED),
        ("config.json", b"{}", STORED),
    ]);
    std::fs::write(&path, evil).unwrap();
    assert!(read_model(&path).is_err());
    assert!(!directory.path().join("evil").exists());
    assert!(!std::path::Path::new("/tmp/keras-format-evil").exists());
}

#[test]
fn configs_that_are_no_config_are_refused_with_their_place() {
    let good = bytes("k3_trained.weights.h5");
    let deep = "[".repeat(200_000);
    for (config, words) in [
        ("", "not valid JSON"),
        (deep.as_str(), "not valid JSON"),
        ("[]", "an object is needed, found a list"),
        ("{}", "no `class_name`"),
        (r#"{"class_name": "Sequential"}"#, "no `config`"),
        (
            r#"{"class_name": "Sequential", "config": {"layers": 3}}"#,
            "a list is needed",
        ),
        (
            r#"{"class_name": "Sequential", "config": {}}"#,
            "no list `layers`",
        ),
        (
            r#"{"class_name": "Functional", "config": {"layers": []}}"#,
            "no `input_layers`",
        ),
        (
            r#"{"class_name": "Sequential", "config": {"layers": [{"class_name": "Lambda", "config": {"name": "f"}}]}}"#,
            "`f` is a Lambda",
        ),
        (
            r#"{"class_name": "A>B", "config": {"x": [{"class_name": "__lambda__", "config": {}}]}}"#,
            "is a Lambda",
        ),
    ] {
        let entries = [
            ("metadata.json", &b"{}"[..], STORED),
            ("config.json", config.as_bytes(), STORED),
            ("model.weights.h5", &good, STORED),
        ];
        let error = read_model_bytes(&archive(&entries), &Limits::default())
            .unwrap_err()
            .to_string();
        assert!(error.contains(words), "{error}");
    }
}
