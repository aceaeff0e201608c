//! What the values of a file say about how they are to be read.

/// How many values can only be read in one way, and the first of them.
#[derive(Debug, Default)]
pub(super) struct Evidence {
    pub(super) values: u64,
    pub(super) example: String,
}

impl Evidence {
    pub(super) fn add(&mut self, text: &str) {
        if self.values == 0 {
            text.clone_into(&mut self.example);
        }
        self.values += 1;
    }

    pub(super) fn is_none(&self) -> bool {
        self.values == 0
    }
}
