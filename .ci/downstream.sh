#!/usr/bin/env bash
# Crates outside the workspace that depend on burn-keras by path, with cargo's default profiles:
#   cpu    a small training with flex, and with ndarray; without a backend, and with the features of GPUs, it compiles
#   wgpu   with burn's own default features, and so its fusion, a training on wgpu against one on flex; needs a driver
set -euo pipefail
root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-$HOME/burn-keras-target}/downstream"
# The dependencies alone would take several gigabytes with debug symbols.
export CARGO_PROFILE_DEV_DEBUG=false

crate() { # name, its program, the lines of the dependencies
  mkdir -p "$work/$1/src"
  cp "$root/.ci/downstream/src/$2.rs" "$work/$1/src/main.rs"
  cp "$root/Cargo.lock" "$work/$1/"
  cat > "$work/$1/Cargo.toml" <<TOML
[package]
name = "downstream-$1"
version = "0.0.0"
edition = "2024"

[dependencies]
$3

[workspace]
TOML
}

burn_keras() { # features
  echo "burn-keras = { path = \"$root/crates/burn-keras\", default-features = false, features = [$1] }"
}

case "$1" in
cpu)
  crate flex main "burn-keras = { path = \"$root/crates/burn-keras\" }"
  crate ndarray main "$(burn_keras '"ndarray", "fast"')"
  crate none main "$(burn_keras '')"
  crate gpus main "$(burn_keras '"vulkan", "metal", "webgpu", "cuda"')"
  (cd "$work/flex" && cargo run)
  (cd "$work/ndarray" && cargo run)
  (cd "$work/none" && cargo check)
  # CubeCL downloads LLVM to build for CUDA, except for documentation, which is checked only as well.
  (cd "$work/gpus" && DOCS_RS=1 cargo check)
  ;;
wgpu)
  crate wgpu gpu "$(burn_keras '"wgpu", "flex"')
burn = { version = \"=0.22.1\", features = [\"wgpu\"] }"
  cd "$work/wgpu"
  [[ $(cargo tree --edges features --invert burn-cubecl) == *'burn-cubecl feature "fusion"'* ]]
  # Tuning products would take most of the time.
  CUBECL_AUTOTUNE_LEVEL=minimal cargo run
  ;;
*)
  echo "unknown: $1" >&2
  exit 2
  ;;
esac
