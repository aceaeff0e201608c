//! Requests of random bytes: whatever they are, each is answered or refused.

use std::{
    panic,
    sync::atomic::{AtomicUsize, Ordering::SeqCst},
    thread,
};

use bytes::{BufMut, Bytes, BytesMut};

use super::versions::APIS;
use crate::fuzzing::{Target, frame};

const FRAMES: usize = 20_000;
/// The name of the threads, by which their panics are told from those of other tests.
const THREADS: &str = "random-requests";

/// Numbers that look random and are the same in every run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.0 >> 33
    }

    fn below(&mut self, limit: usize) -> usize {
        self.next() as usize % limit
    }

    /// Bytes among which decoders find some of what they look for: short texts and arrays, small and
    /// impossible numbers.
    fn body(&mut self, version: i16) -> Bytes {
        let mut body = BytesMut::new();
        for _ in 0..self.below(40) {
            match self.below(9) {
                0 => body.put_i32(self.below(4) as i32 - 1),
                1 => body.put_i16(self.below(4) as i16 - 1),
                2 => body.put_u8(self.below(4) as u8),
                3 => body.put_slice(&[0xFF; 5][..1 + self.below(5)]),
                4 => body.put_slice(&[0, 1, b't']),
                5 => body.put_slice(&[2, b't']),
                6 => body.put_i64(self.below(3) as i64 - 1),
                7 => body.put_u8(self.next() as u8),
                _ => body.put_bytes(0, self.below(9)),
            }
        }
        body.put_i16(version);
        body.freeze()
    }
}

#[test]
fn random_requests_are_answered_or_refused() {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().thread_name(THREADS).build();
    runtime.unwrap().block_on(send_random_requests());
}

async fn send_random_requests() {
    static PANICS: AtomicUsize = AtomicUsize::new(0);
    let target = Target::start().await;
    // Where blocking is allowed a panic would end up as an error code.
    let default_hook = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        let here = thread::current().name() == Some(THREADS);
        PANICS.fetch_add(usize::from(here), SeqCst);
        default_hook(info);
    }));
    let mut random = Random(1);
    let mut answered = 0;
    for _ in 0..FRAMES {
        let (api, first, last) = APIS[random.below(APIS.len())];
        let version = first + random.below((last - first + 1) as usize) as i16;
        let frame = frame(api, version, &random.body(version));
        answered += usize::from(target.answer(frame).await);
    }
    assert_eq!(PANICS.load(SeqCst), 0);
    assert!(answered > FRAMES / 20, "only {answered} were understood");
}
