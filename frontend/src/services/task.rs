//! Work that ends when its handle is dropped.

use std::{
    cell::RefCell,
    future::Future,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll},
};

type Work = Pin<Box<dyn Future<Output = ()>>>;

enum State {
    Waiting(Work),
    Running,
    Done,
}

/// A future under way on the browser's event loop. Dropping the handle drops the future at once,
/// and so whatever it holds, such as a request.
pub struct Task(Rc<RefCell<State>>);

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
        matches!(*self.0.borrow(), State::Done)
    }

    fn new(work: impl Future<Output = ()> + 'static) -> (Self, Driver) {
        let state = Rc::new(RefCell::new(State::Waiting(Box::pin(work))));
        (Self(Rc::clone(&state)), Driver(state))
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        // The old state is dropped after the cell is free again: its own drop code may look in.
        let state = self.0.replace(State::Done);
        drop(state);
    }
}

struct Driver(Rc<RefCell<State>>);

impl Future for Driver {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let State::Waiting(mut work) = self.0.replace(State::Running) else {
            self.0.replace(State::Done);
            return Poll::Ready(());
        };
        if work.as_mut().poll(context).is_ready() {
            self.0.replace(State::Done);
            return Poll::Ready(());
        }
        // Dropped by what it did itself: it must not come back.
        if matches!(*self.0.borrow(), State::Done) {
            return Poll::Ready(());
        }
        self.0.replace(State::Waiting(work));
        Poll::Pending
    }
}

#[cfg(test)]
mod tests {
    use std::{cell::Cell, task::Waker};

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

    fn poll(driver: &mut Driver) -> Poll<()> {
        Pin::new(driver).poll(&mut Context::from_waker(Waker::noop()))
    }

    #[test]
    fn a_task_runs_to_its_end() {
        let (task, mut driver) = Task::new(Twice(false));
        assert!(poll(&mut driver).is_pending());
        assert!(!task.is_done());
        assert!(poll(&mut driver).is_ready());
        assert!(task.is_done());
    }

    #[test]
    fn dropping_the_handle_drops_the_work_at_once() {
        let dropped = Rc::new(Cell::new(false));
        let guard = SetOnDrop(Rc::clone(&dropped));
        let (task, mut driver) = Task::new(async move {
            Twice(false).await;
            drop(guard);
            panic!("a dropped task went on");
        });
        assert!(poll(&mut driver).is_pending());
        assert!(!dropped.get());
        drop(task);
        assert!(dropped.get());
        assert!(poll(&mut driver).is_ready());
    }

    #[test]
    fn work_may_drop_its_own_handle() {
        let slot = Rc::new(RefCell::new(None::<Task>));
        let own = Rc::clone(&slot);
        let (task, mut driver) = Task::new(async move {
            drop(own.borrow_mut().take());
            Twice(false).await;
        });
        *slot.borrow_mut() = Some(task);
        assert!(poll(&mut driver).is_ready());
    }
}
