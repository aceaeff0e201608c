//! Work that ends when its handle is dropped.

use std::{cell::Cell, future::Future, rc::Rc};

use futures_util::future::{AbortHandle, abortable};

/// A future under way on the browser's event loop. Dropping the handle aborts the future: it is not polled
/// again, and what it holds, such as a request, is dropped at the event loop's next turn.
pub struct Task {
    abort: AbortHandle,
    done: Rc<Cell<bool>>,
}

impl Task {
    /// Starts `work`.
    #[must_use]
    pub fn spawn(work: impl Future<Output = ()> + 'static) -> Self {
        let (task, driver) = Self::new(work);
        wasm_bindgen_futures::spawn_local(driver);
        task
    }

    /// Whether it has ended.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.done.get()
    }

    fn new(work: impl Future<Output = ()> + 'static) -> (Self, impl Future<Output = ()> + 'static) {
        let (work, abort) = abortable(work);
        let done = Rc::new(Cell::new(false));
        let task = Self { abort, done: Rc::clone(&done) };
        let driver = async move {
            // Aborted or at its end: both are the end.
            let _ = work.await;
            done.set(true);
        };
        (task, driver)
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        self.abort.abort();
    }
}

#[cfg(test)]
mod tests {
    use std::{
        cell::RefCell,
        pin::Pin,
        task::{Context, Poll, Waker},
    };

    use super::*;

    /// Pending the first time, then ready.
    struct Twice(bool);

    impl Future for Twice {
        type Output = ();

        fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
            if std::mem::replace(&mut self.0, true) { Poll::Ready(()) } else { Poll::Pending }
        }
    }

    struct SetOnDrop(Rc<Cell<bool>>);

    impl Drop for SetOnDrop {
        fn drop(&mut self) {
            self.0.set(true);
        }
    }

    fn poll(driver: Pin<&mut impl Future<Output = ()>>) -> Poll<()> {
        driver.poll(&mut Context::from_waker(Waker::noop()))
    }

    #[test]
    fn a_task_runs_to_its_end() {
        let (task, driver) = Task::new(Twice(false));
        let mut driver = Box::pin(driver);
        assert!(poll(driver.as_mut()).is_pending());
        assert!(!task.is_done());
        assert!(poll(driver.as_mut()).is_ready());
        assert!(task.is_done());
    }

    #[test]
    fn dropping_the_handle_ends_the_work() {
        let dropped = Rc::new(Cell::new(false));
        let guard = SetOnDrop(Rc::clone(&dropped));
        let (task, driver) = Task::new(async move {
            Twice(false).await;
            drop(guard);
            panic!("a dropped task went on");
        });
        let mut driver = Box::pin(driver);
        assert!(poll(driver.as_mut()).is_pending());
        assert!(!dropped.get());
        drop(task);
        assert!(poll(driver.as_mut()).is_ready());
        drop(driver);
        assert!(dropped.get());
    }

    #[test]
    fn work_may_drop_its_own_handle() {
        let slot = Rc::new(RefCell::new(None::<Task>));
        let own = Rc::clone(&slot);
        let (task, driver) = Task::new(async move {
            drop(own.borrow_mut().take());
            Twice(false).await;
        });
        *slot.borrow_mut() = Some(task);
        assert!(poll(Box::pin(driver).as_mut()).is_ready());
    }
}
