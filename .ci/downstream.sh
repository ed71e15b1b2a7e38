#!/usr/bin/env bash
# Builds and runs a small crate outside the workspace that depends on burn-keras by path, with cargo's default
# profiles: with flex, with ndarray, and (checked only) with wgpu beside burn's own default features.
set -euo pipefail
root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-$HOME/burn-keras-target}/downstream"
# The dependencies alone would take several gigabytes with debug symbols.
export CARGO_PROFILE_DEV_DEBUG=false

crate() { # name, the line of the dependencies
  mkdir -p "$work/$1/src"
  cp "$root/.ci/downstream/src/main.rs" "$work/$1/src/"
  cp "$root/Cargo.lock" "$work/$1/"
  cat > "$work/$1/Cargo.toml" <<TOML
[package]
name = "downstream-$1"
version = "0.0.0"
edition = "2024"

[dependencies]
$2

[workspace]
TOML
}

crate flex "burn-keras = { path = \"$root/crates/burn-keras\" }"
crate ndarray "burn-keras = { path = \"$root/crates/burn-keras\", default-features = false, features = [\"ndarray\", \"fast\"] }"
crate wgpu "burn-keras = { path = \"$root/crates/burn-keras\", default-features = false, features = [\"wgpu\"] }
burn = { version = \"=0.22.1\", features = [\"wgpu\"] }"
crate none "burn-keras = { path = \"$root/crates/burn-keras\", default-features = false }"

(cd "$work/flex" && cargo run)
(cd "$work/ndarray" && cargo run)
(cd "$work/none" && cargo check)
(cd "$work/wgpu" && cargo check)
