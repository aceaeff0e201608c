//! Weighted exact k-means and what judges it; no input or output in here.
