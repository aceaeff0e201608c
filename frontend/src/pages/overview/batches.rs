//! The newest batches.

use tillstream_shared::{Manifest, api::BatchList};
use yew::prelude::*;

use crate::{
    components::view::loaded,
    format, labels,
    services::{batches, http::ApiError},
    state::{live::Versions, resource::use_resource},
};

/// How many batches the table shows.
const SHOWN_BATCHES: usize = 8;

async fn load_batches((): ()) -> Result<BatchList, ApiError> {
    batches::newest(SHOWN_BATCHES).await
}

/// The newest batches.
#[component]
pub(super) fn Batches() -> Html {
    let versions = use_context::<Versions>().unwrap_or_default();
    let batches = use_resource((), versions.of_batches(), load_batches);
    html! {
        <div class="card">
            <h2>{ "Newest batches" }</h2>
            { loaded(&batches, "the batches", |batches| html! {
                if batches.batches.is_empty() {
                    <p class="muted" data-testid="no-batches">
                        { "No batch is stored yet: one is closed when it is full, or when its \
                           interval has passed." }
                    </p>
                } else {
                    { table(&batches.batches) }
                }
            }) }
        </div>
    }
}

fn table(batches: &[Manifest]) -> Html {
    let row = |batch: &Manifest| {
        html! {
            <tr key={batch.number}>
                <th scope="row" title={batch.file.clone()}>{ batch.number }</th>
                <td class="num">{ format::count(batch.rows) }</td>
                <td class="num">{ format::count(batch.funnel.sales) }</td>
                <td class="num">{ format::count(batch.funnel.returns) }</td>
                <td class="num">{ format::count(batch.funnel.without_customer) }</td>
                <td>{ labels::closed_by(batch.closed_by) }</td>
                <td class="num">{ format::bytes(batch.bytes) }</td>
                <td class="num nowrap">{ format::timestamp(&batch.created_at) }</td>
            </tr>
        }
    };
    html! {
        <div class="scroll" tabindex="0" role="region" aria-label="Newest batches">
            <table data-testid="batches">
                <thead>
                    <tr>
                        <th scope="col">{ "Batch" }</th>
                        <th scope="col" class="num">{ "Lines" }</th>
                        <th scope="col" class="num">{ "Sales" }</th>
                        <th scope="col" class="num">{ "Returns" }</th>
                        <th scope="col" class="num">{ "No customer" }</th>
                        <th scope="col">{ "Closed by" }</th>
                        <th scope="col" class="num">{ "Size" }</th>
                        <th scope="col" class="num">{ "Closed (UTC)" }</th>
                    </tr>
                </thead>
                <tbody>{ for batches.iter().rev().map(row) }</tbody>
            </table>
        </div>
    }
}
