//! A file is whole under its name or not there.

use std::fs;
use std::io::{self, Write};

use keras_format::{Error, WeightTree, atomic_write, write_model};

fn entries(directory: &std::path::Path) -> Vec<String> {
    let names = fs::read_dir(directory)
        .unwrap()
        .map(|e| e.unwrap().file_name().into_string().unwrap());
    names.collect()
}

#[test]
fn a_write_that_fails_or_panics_leaves_the_old_file_and_nothing_else() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("m.json");
    fs::write(&path, b"old").unwrap();
    let failed = atomic_write(&path, |file| {
        file.write_all(b"half of the n")?;
        Err::<(), _>(io::Error::other("no more"))
    });
    assert!(matches!(failed.unwrap_err().root(), Error::Io { .. }));
    let panicked = std::panic::catch_unwind(|| {
        let _ = atomic_write(&path, |_| -> io::Result<()> {
            panic!("in the middle (expected)")
        });
    });
    assert!(panicked.is_err());
    assert_eq!(fs::read(&path).unwrap(), b"old");
    assert_eq!(entries(directory.path()), ["m.json"]);
}

#[test]
fn a_new_file_takes_the_place_and_the_closures_value_comes_back() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("m.json");
    for text in ["one", "two"] {
        let count = atomic_write(&path, |file| file.write(text.as_bytes())).unwrap();
        assert_eq!(
            (count, fs::read_to_string(&path).unwrap().as_str()),
            (3, text)
        );
    }
    assert_eq!(entries(directory.path()), ["m.json"]);
    let long = directory.path().join("x".repeat(255));
    atomic_write(&long, |file| file.write_all(b"a name as long as names get")).unwrap();
    assert!(long.exists());
}

#[test]
fn what_no_file_can_replace_is_an_error_that_says_so() {
    let directory = tempfile::tempdir().unwrap();
    let write = |path: &std::path::Path| {
        write_model(path, &serde_json::json!({}), &WeightTree::new()).unwrap_err()
    };
    assert!(
        write(directory.path())
            .to_string()
            .contains("is a directory")
    );
    assert!(matches!(
        write(std::path::Path::new("")).root(),
        Error::NotAFile(_)
    ));
    assert!(matches!(
        write(std::path::Path::new("/")).root(),
        Error::NotAFile(_)
    ));
    assert!(
        write(&directory.path().join("new/"))
            .to_string()
            .contains("names no file")
    );
    let nowhere = write(&directory.path().join("nowhere/m.keras"));
    assert!(nowhere.to_string().contains("nowhere"), "{nowhere}");
    assert!(entries(directory.path()).is_empty());
}

#[cfg(unix)]
#[test]
fn links_are_followed_permissions_kept_and_devices_refused() {
    use std::os::unix::fs::{PermissionsExt, symlink};

    let directory = tempfile::tempdir().unwrap();
    let real = directory.path().join("real.json");
    let link = directory.path().join("link.json");
    fs::write(&real, b"old").unwrap();
    fs::set_permissions(&real, fs::Permissions::from_mode(0o640)).unwrap();
    symlink(&real, &link).unwrap();
    atomic_write(&link, |file| file.write_all(b"new")).unwrap();
    assert_eq!(fs::read(&real).unwrap(), b"new");
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(
        fs::metadata(&real).unwrap().permissions().mode() & 0o777,
        0o640
    );
    let null = atomic_write("/dev/null", |file| file.write_all(b"x")).unwrap_err();
    assert!(matches!(null.root(), Error::NotAFile(_)), "{null}");
    let proc = atomic_write("/proc/m.json", |file| file.write_all(b"x")).unwrap_err();
    assert!(matches!(proc.root(), Error::Io { .. }), "{proc}");
}
