//! The producer and the consumer.
