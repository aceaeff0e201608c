//! Starts the page in the element that `index.html` keeps for it.

use tillstream_page::app::App;

fn main() {
    console_error_panic_hook::set_once();
    if let Some(root) = gloo::utils::document().get_element_by_id("app") {
        // Removes the placeholder that is shown until the program is loaded.
        root.set_inner_html("");
        yew::Renderer::<App>::with_root(root).render();
    }
}
