//! What rust-rdkafka does not wrap of librdkafka. All of the unsafe code of the program is here.
#![allow(unsafe_code, reason = "calls of librdkafka that rust-rdkafka does not wrap")]

use std::ptr::NonNull;

mod message_queue;
mod topic_id;

pub(super) use message_queue::{MessageQueue, QueuedMessage};
pub(super) use topic_id::topic_id;

/// Something of librdkafka's that is released when dropped.
struct Owned<T> {
    ptr: NonNull<T>,
    release: unsafe extern "C" fn(*mut T),
}

impl<T> Owned<T> {
    /// # Safety
    /// `ptr` is null, or `release` may be called with it, once, and nobody else does.
    unsafe fn new(ptr: *mut T, release: unsafe extern "C" fn(*mut T)) -> Option<Self> {
        NonNull::new(ptr).map(|ptr| Self { ptr, release })
    }
}

impl<T> Drop for Owned<T> {
    fn drop(&mut self) {
        // SAFETY: `new` was promised that this may be done once.
        unsafe { (self.release)(self.ptr.as_ptr()) }
    }
}
