//! Buffers that are used again.
//!
//! A training step needs tens of megabytes for a moment. Asking the system for them every time costs
//! a page fault every 4 KiB, which for large layers is as long as a tenth of the arithmetic.

use crate::simd::Real;
use std::alloc::{Layout, alloc_zeroed, dealloc, handle_alloc_error};
use std::marker::PhantomData;
use std::ptr::NonNull;
use std::sync::{Mutex, Once};

/// Registers of 64 bytes load fastest from addresses that divide by 64.
const ALIGN: usize = 64;
/// What lies unused is capped, in buffers and in bytes.
const MAX_IDLE: usize = 64;
const MAX_IDLE_BYTES: usize = 1 << 30;

/// A large page. Walking matrices by columns touches a small page each few rows, and finding where
/// those lie takes longer than the arithmetic.
const HUGE: usize = 2 << 20;

/// Asks Linux for large pages.
fn advise_huge(ptr: NonNull<u8>, bytes: usize) {
    #[cfg(target_os = "linux")]
    if bytes >= HUGE {
        unsafe extern "C" {
            fn madvise(address: *mut u8, len: usize, advice: i32) -> i32;
        }
        const MADV_HUGEPAGE: i32 = 14;
        // SAFETY: the range is ours; the advice doesn't change its content, and may be ignored.
        unsafe { madvise(ptr.as_ptr(), bytes, MADV_HUGEPAGE) };
    }
    #[cfg(not(target_os = "linux"))]
    let _ = (ptr, bytes);
}

struct Block {
    ptr: NonNull<u8>,
    bytes: usize,
}

// SAFETY: a block owns its memory.
unsafe impl Send for Block {}
// SAFETY: a block hands out no reference by itself.
unsafe impl Sync for Block {}

impl Block {
    fn new(bytes: usize) -> Self {
        let layout = Self::layout(bytes);
        // SAFETY: the size is not zero.
        let ptr = unsafe { alloc_zeroed(layout) };
        match NonNull::new(ptr) {
            Some(ptr) => {
                advise_huge(ptr, bytes);
                Self { ptr, bytes }
            }
            None => handle_alloc_error(layout),
        }
    }

    fn layout(bytes: usize) -> Layout {
        // Only an impossible size fails here; the allocator then says so.
        let align = if bytes >= HUGE { HUGE } else { ALIGN };
        Layout::from_size_align(bytes, align)
            .unwrap_or_else(|_| handle_alloc_error(Layout::new::<u8>()))
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        // SAFETY: allocated in `new` with the same layout.
        unsafe { dealloc(self.ptr.as_ptr(), Self::layout(self.bytes)) }
    }
}

/// Lets the system's allocator keep what a step frees.
///
/// Results leave in the tensors' own memory. glibc gives the end of its heap back to the system whenever
/// 128 KiB of it are free, and a training step would ask for the same pages again and again. Freeing a
/// larger block than that once makes it keep twice as much, and take blocks up to that size from the heap
/// instead of asking the system for each (`mallopt(3)`, `M_TRIM_THRESHOLD`, `M_MMAP_THRESHOLD`): for the
/// whole process. The block is never touched, so it costs no memory.
fn keep_heap() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| drop(std::hint::black_box(Vec::<u8>::with_capacity(KEPT_HEAP))));
}

/// Below glibc's limit for what it adapts to, 32 MiB.
const KEPT_HEAP: usize = 8 << 20;

static IDLE: Mutex<Vec<Block>> = Mutex::new(Vec::new());

/// Gives the memory kept for later calls back to the system.
pub fn release_workspaces() {
    if let Ok(mut idle) = IDLE.lock() {
        idle.clear();
    }
}

/// `len` floats with whatever an earlier user left in them; goes back to the pool when dropped.
pub(crate) struct Buffer<E: Real> {
    block: Option<Block>,
    len: usize,
    of: PhantomData<E>,
}

impl<E: Real> Buffer<E> {
    /// A buffer of `len` floats of unspecified, but initialised, content.
    pub(crate) fn new(len: usize) -> Self {
        let bytes = (len * size_of::<E>()).max(1).next_multiple_of(4096);
        let reused = IDLE.lock().ok().and_then(|mut idle| {
            let fits = |b: &Block| b.bytes >= bytes && b.bytes <= 2 * bytes.max(1 << 16);
            let best = (0..idle.len())
                .filter(|&i| fits(&idle[i]))
                .min_by_key(|&i| idle[i].bytes)?;
            Some(idle.swap_remove(best))
        });
        let block = reused.unwrap_or_else(|| {
            keep_heap();
            Block::new(bytes)
        });
        Self {
            block: Some(block),
            len,
            of: PhantomData,
        }
    }

    /// A buffer of `len` zeros.
    pub(crate) fn zeroed(len: usize) -> Self {
        let mut buffer = Self::new(len);
        buffer.fill(E::default());
        buffer
    }

    pub(crate) fn ptr(&self) -> *mut E {
        match &self.block {
            Some(block) => block.ptr.as_ptr().cast(),
            None => NonNull::dangling().as_ptr(),
        }
    }
}

impl<E: Real> std::ops::Deref for Buffer<E> {
    type Target = [E];
    fn deref(&self) -> &[E] {
        // SAFETY: the block holds at least `len` initialised floats.
        unsafe { std::slice::from_raw_parts(self.ptr(), self.len) }
    }
}

impl<E: Real> std::ops::DerefMut for Buffer<E> {
    fn deref_mut(&mut self) -> &mut [E] {
        // SAFETY: the block holds at least `len` initialised floats, and `self` is borrowed mutably.
        unsafe { std::slice::from_raw_parts_mut(self.ptr(), self.len) }
    }
}

impl<E: Real> Drop for Buffer<E> {
    fn drop(&mut self) {
        let (Some(block), Ok(mut idle)) = (self.block.take(), IDLE.lock()) else {
            return;
        };
        let bytes: usize = idle.iter().map(|b| b.bytes).sum();
        if idle.len() < MAX_IDLE && bytes + block.bytes <= MAX_IDLE_BYTES {
            idle.push(block);
        }
    }
}

impl<E: Real> std::fmt::Debug for Buffer<E> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Buffer({} floats)", self.len)
    }
}
