//! What the clusters of a model are called, in English and Indonesian.
//!
//! Every feature of a cluster is compared with the *whole*: the mean of the centroids in model
//! space, weighted with the clusters' sizes. The difference, in units of the feature's spread, is
//! one of five levels (see [`Level`]), and each level of each known feature has its words. A name
//! is made of the up to three features that differ most; where two clusters of a model would be
//! called the same, the next most telling feature is added, and at last the rank by value.

mod level;
mod members;
mod number;
mod phrase;
mod sentence;
mod vocabulary;

use tillstream_shared::{Model, Text};

use level::{Level, Profile, profiles};
use members::members;
use phrase::Feature;

/// The most features that a name starts with.
const MAX_FEATURES_AT_FIRST: usize = 3;

/// Name and sentence of every cluster, in the order of their numbers. Names are distinct within the
/// model.
///
/// The sentence gives the size, the share and the centroid beside the whole's figures, in original
/// units.
#[must_use]
pub fn name_clusters(model: &Model) -> Vec<(Text, Text)> {
    let features: Vec<_> =
        model.features.iter().map(|name| Feature::of(model.kind, model.entity, name)).collect();
    let profiles = profiles(model);
    let sentences = profiles.iter().map(|profile| sentence::of(model, &features, profile));
    names(model, &features, &profiles).into_iter().zip(sentences).collect()
}

fn names(model: &Model, features: &[Feature], profiles: &[Profile]) -> Vec<Text> {
    if let [_] = profiles {
        let (en, id) = members(model);
        return vec![Text { en: format!("all {en}"), id: format!("semua {id}") }];
    }
    let telling = |profile: &Profile| {
        let differing = profile.levels.iter().filter(|level| **level != Level::Typical).count();
        differing.min(MAX_FEATURES_AT_FIRST)
    };
    let name = |c: usize, count| phrase::name(features, &profiles[c], count);
    let short: Vec<usize> = profiles.iter().map(telling).collect();
    let mut counts = short.clone();
    loop {
        let mut names: Vec<Text> = (0..counts.len()).map(|c| name(c, counts[c])).collect();
        let doubled: Vec<usize> = (0..names.len()).filter(|c| is_doubled(&names, *c)).collect();
        let before = counts.clone();
        doubled.iter().for_each(|&c| counts[c] = (counts[c] + 1).min(features.len()));
        if counts == before {
            // More features did not help: the fewest will do.
            doubled.into_iter().for_each(|c| names[c] = ranked(name(c, short[c]), c, model.k));
            return names;
        }
    }
}

/// Whether another cluster is called the same in either language.
fn is_doubled(names: &[Text], c: usize) -> bool {
    let same = |other: &Text| other.en == names[c].en || other.id == names[c].id;
    names.iter().enumerate().any(|(other, name)| other != c && same(name))
}

/// Adds the rank by value, which is the cluster's number.
fn ranked(name: Text, c: usize, k: u32) -> Text {
    let rank = c + 1;
    Text {
        en: format!("{}, value rank {rank} of {k}", name.en),
        id: format!("{}, peringkat nilai {rank} dari {k}", name.id),
    }
}

#[cfg(test)]
mod tests;
