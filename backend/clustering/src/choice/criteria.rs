//! What each criterion chooses, and whether they agree.

use tillstream_shared::{Choices, ReportCard, ReportRow};

/// From this strength on a bend is an elbow: the SSE falls at most a third as steeply after it as before.
/// Points spread evenly over a square, which four clusters suit best, reach 0.55.
const MIN_ELBOW: f64 = 2.0 / 3.0;
/// From this mean adjusted Rand index on clusters are stable. Clusters of equal size of which one is
/// split at random reach up to 0.94 with k = 10.
const MIN_STABILITY: f64 = 0.95;

/// Writes the report card of `rows`, of which there is at least one, on points of `d` features.
pub(super) fn judge(rows: Vec<ReportRow>, d: usize) -> ReportCard {
    let choices = choices(&rows, d);
    let chosen = majority(&rows, &choices);
    let objection = objection(&rows, &choices, chosen);
    let verdict = match &objection {
        None => format!("{chosen} clusters: the indices and the elbow agree, and they are stable"),
        Some(objection) => format!("no clear k: {objection}; {chosen} is the best compromise"),
    };
    ReportCard { rows, choices, chosen, clear: objection.is_none(), verdict }
}

fn choices(rows: &[ReportRow], d: usize) -> Choices {
    let silhouette = |row: &ReportRow| row.evaluation.silhouette.map(|silhouette| silhouette.value);
    let calinski_harabasz = |row: &ReportRow| {
        let evaluation = &row.evaluation;
        // An SSE of 0 makes it infinite. With one feature it grows with k whatever the points are,
        // since the SSE falls about as 1/k², and so has no say.
        let index = evaluation.calinski_harabasz.or(evaluation.silhouette.map(|_| f64::INFINITY));
        index.filter(|_| d > 1)
    };
    let elbow = |row: &ReportRow| (row.elbow >= MIN_ELBOW).then_some(row.elbow);
    let is_stable = |row: &&ReportRow| row.stability >= MIN_STABILITY;
    Choices {
        silhouette: largest(rows, silhouette),
        davies_bouldin: largest(rows, |row| row.evaluation.davies_bouldin.map(|index| -index)),
        calinski_harabasz: largest(rows, calinski_harabasz),
        elbow: largest(rows, elbow),
        stability: rows.iter().rfind(is_stable).map(|row| row.k),
    }
}

/// The k with the largest `score`, of several the smallest; none where no row has one.
fn largest(rows: &[ReportRow], score: impl Fn(&ReportRow) -> Option<f64>) -> Option<u32> {
    let scored = rows.iter().filter_map(|row| Some((row.k, score(row)?)));
    scored.reduce(|best, row| if row.1 > best.1 { row } else { best }).map(|(k, _)| k)
}

/// The k that most criteria name; of several the one with the better silhouette, then the smaller.
fn majority(rows: &[ReportRow], choices: &Choices) -> u32 {
    let votes = votes(choices).map(|(_, k)| k);
    let rank = |row: &ReportRow| {
        let count = votes.iter().filter(|vote| **vote == Some(row.k)).count();
        let silhouette = row.evaluation.silhouette.map_or(-1.0, |silhouette| silhouette.value);
        (count, silhouette)
    };
    let best = rows.iter().reduce(|best, row| if rank(row) > rank(best) { row } else { best });
    best.map_or(1, |row| row.k)
}

fn votes(choices: &Choices) -> [(&'static str, Option<u32>); 5] {
    [
        ("the silhouette", choices.silhouette),
        ("Davies-Bouldin", choices.davies_bouldin),
        ("Calinski-Harabasz", choices.calinski_harabasz),
        ("the elbow", choices.elbow),
        ("stability", choices.stability),
    ]
}

/// What speaks against `chosen`, if anything does.
fn objection(rows: &[ReportRow], choices: &Choices, chosen: u32) -> Option<String> {
    // That more clusters are stable too does not speak against fewer; that these are not would.
    let indices = &votes(choices)[..4];
    let others: Vec<String> = indices
        .iter()
        .filter_map(|(name, k)| Some((name, (*k)?)))
        .filter(|(_, k)| *k != chosen)
        .map(|(name, k)| format!("{name} names {k}"))
        .collect();
    let mut objections = Vec::new();
    if choices.elbow.is_none() {
        objections.push("the SSE has no elbow".to_owned());
    }
    objections.extend(others);
    let stability = rows.iter().find(|row| row.k == chosen).map_or(0.0, |row| row.stability);
    if stability < MIN_STABILITY {
        objections.push(format!(
            "{chosen} clusters do not come out again from other samples (stability {stability:.2})"
        ));
    }
    (!objections.is_empty()).then(|| objections.join(", "))
}
