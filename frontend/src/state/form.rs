//! The prediction form: what was typed, what is wrong with it, and the request that it makes.

use std::rc::Rc;

use tillstream_shared::{Entity, Excluded, Filter, ModelRef, Preprocessing, api::PredictRequest};
use yew::Reducible;

/// The fields that can be wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    /// CustomerID, StockCode or Country.
    Id,
    /// Pieces.
    Quantity,
    /// Price of one piece.
    UnitPrice,
}

impl Field {
    /// All fields, in the form's order.
    pub const ALL: [Self; 3] = [Self::Id, Self::Quantity, Self::UnitPrice];
}

/// The actions on a [`Form`].
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// Another entity; each keeps what was typed for it.
    Entity(Entity),
    /// Another model.
    Model(ModelRef),
    /// Something was typed.
    Input(Field, String),
    /// A field was left, so that its error may show.
    Blurred(Field),
    /// The form was sent, so that all errors may show.
    Submitted,
    /// The example of the entity was asked for.
    Example,
}

/// The state of the form.
#[derive(Debug, Clone, PartialEq)]
pub struct Form {
    /// What the line is about.
    pub entity: Entity,
    /// The model to ask.
    pub model: ModelRef,
    ids: [String; 3],
    quantity: String,
    unit_price: String,
    touched: [bool; 3],
}

impl Form {
    /// An empty form.
    #[must_use]
    pub fn new(entity: Entity, model: ModelRef) -> Self {
        Self {
            entity,
            model,
            ids: Default::default(),
            quantity: String::new(),
            unit_price: String::new(),
            touched: [false; 3],
        }
    }

    /// What was typed into a field.
    #[must_use]
    pub fn text(&self, field: Field) -> &str {
        match field {
            Field::Id => &self.ids[self.entity as usize],
            Field::Quantity => &self.quantity,
            Field::UnitPrice => &self.unit_price,
        }
    }

    /// What is wrong with a field, once the reader has had the chance to fill it in.
    #[must_use]
    pub fn shown_error(&self, field: Field, filter: Option<Filter>) -> Option<String> {
        if self.touched[field as usize] { self.error(field, filter) } else { None }
    }

    /// What is wrong with a field. `filter` is that of the chosen model, where it is known.
    #[must_use]
    pub fn error(&self, field: Field, filter: Option<Filter>) -> Option<String> {
        match field {
            Field::Id => self.id().err(),
            Field::Quantity => self.quantity(filter).err(),
            Field::UnitPrice => self.unit_price(filter).err(),
        }
    }

    /// The first field that is wrong.
    #[must_use]
    pub fn first_wrong(&self, filter: Option<Filter>) -> Option<Field> {
        Field::ALL.into_iter().find(|field| self.error(*field, filter).is_some())
    }

    /// The request; `None` while a field is wrong.
    #[must_use]
    pub fn request(&self, filter: Option<Filter>) -> Option<PredictRequest> {
        Some(PredictRequest {
            entity: self.entity,
            id: self.id().ok()?,
            quantity: self.quantity(filter).ok()?,
            unit_price: self.unit_price(filter).ok()?,
            model: self.model,
        })
    }

    fn id(&self) -> Result<String, String> {
        identifier(self.entity, self.text(Field::Id))
    }

    fn quantity(&self, filter: Option<Filter>) -> Result<f64, String> {
        let quantity = number(&self.quantity, "Quantity")?;
        if quantity.fract() != 0.0 {
            return Err("Quantity must be a whole number of pieces.".to_owned());
        }
        admitted(quantity, "Quantity", filter)
    }

    fn unit_price(&self, filter: Option<Filter>) -> Result<f64, String> {
        admitted(number(&self.unit_price, "UnitPrice")?, "UnitPrice", filter)
    }
}

/// The identifier that was typed, without blanks around it.
///
/// # Errors
/// What is wrong with it, as a sentence.
pub fn identifier(entity: Entity, text: &str) -> Result<String, String> {
    let (id, name) = (text.trim(), entity.id_field());
    if id.is_empty() {
        return Err(format!("Enter a {name}."));
    }
    if entity == Entity::Customer && !id.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(format!("A {name} has digits only."));
    }
    Ok(id.to_owned())
}

fn number(text: &str, name: &str) -> Result<f64, String> {
    let text = text.trim();
    if text.is_empty() {
        return Err(format!("Enter a {name}."));
    }
    if text.contains(',') {
        return Err(format!("{name} takes a point for decimals and no separators: 1234.5."));
    }
    text.parse::<f64>()
        .ok()
        .filter(|value| value.is_finite())
        .ok_or_else(|| format!("{name} must be a number."))
}

fn admitted(value: f64, name: &str, filter: Option<Filter>) -> Result<f64, String> {
    // The server's own rule, so that both say the same.
    match Preprocessing::admit(filter.unwrap_or(Filter::All), &[value]) {
        Ok(()) => Ok(value),
        Err(why @ (Excluded::NotFinite { .. } | Excluded::NotPositive { .. })) => {
            Err(format!("{name} {why}."))
        }
    }
}

/// A line of the data set, as an example to start from: id, quantity, price.
#[must_use]
pub const fn example(entity: Entity) -> (&'static str, &'static str, &'static str) {
    match entity {
        Entity::Customer => ("17850", "10", "5.0"),
        Entity::Product => ("85123A", "6", "2.55"),
        Entity::Country => ("United Kingdom", "48", "1.25"),
    }
}

impl Reducible for Form {
    type Action = Action;

    fn reduce(self: Rc<Self>, action: Action) -> Rc<Self> {
        let mut next = (*self).clone();
        match action {
            Action::Entity(entity) => {
                next.entity = entity;
                next.touched[Field::Id as usize] = false;
            }
            Action::Model(model) => next.model = model,
            Action::Input(Field::Id, text) => next.ids[self.entity as usize] = text,
            Action::Input(Field::Quantity, text) => next.quantity = text,
            Action::Input(Field::UnitPrice, text) => next.unit_price = text,
            Action::Blurred(field) => next.touched[field as usize] = true,
            Action::Submitted => next.touched = [true; 3],
            Action::Example => {
                let (id, quantity, price) = example(self.entity);
                next.ids[self.entity as usize] = id.to_owned();
                (next.quantity, next.unit_price) = (quantity.to_owned(), price.to_owned());
                next.touched = [false; 3];
            }
        }
        Rc::new(next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(entity: Entity, id: &str, quantity: &str, price: &str) -> Form {
        let actions = [
            Action::Input(Field::Id, id.to_owned()),
            Action::Input(Field::Quantity, quantity.to_owned()),
            Action::Input(Field::UnitPrice, price.to_owned()),
        ];
        let form = Rc::new(Form::new(entity, ModelRef::Latest));
        (*actions.into_iter().fold(form, Form::reduce)).clone()
    }

    const SALES: Option<Filter> = Some(Filter::Positive);

    #[test]
    fn a_right_form_makes_the_request() {
        let request = form(Entity::Customer, " 17850 ", "10", "5.0").request(SALES);
        let expected = PredictRequest {
            entity: Entity::Customer,
            id: "17850".to_owned(),
            quantity: 10.0,
            unit_price: 5.0,
            model: ModelRef::Latest,
        };
        assert_eq!(request, Some(expected));
    }

    #[test]
    fn the_examples_are_right() {
        for entity in Entity::ALL {
            let form = Rc::new(Form::new(entity, ModelRef::All)).reduce(Action::Example);
            assert!(form.request(SALES).is_some(), "{entity}");
        }
    }

    #[test]
    fn every_field_says_what_is_wrong() {
        let error = |entity, id, quantity, price, field| {
            form(entity, id, quantity, price).error(field, SALES).unwrap()
        };
        let customer = Entity::Customer;
        assert_eq!(error(customer, "", "1", "1", Field::Id), "Enter a CustomerID.");
        assert_eq!(error(customer, "17a", "1", "1", Field::Id), "A CustomerID has digits only.");
        assert_eq!(error(Entity::Country, " ", "1", "1", Field::Id), "Enter a Country.");
        assert_eq!(error(customer, "1", "", "1", Field::Quantity), "Enter a Quantity.");
        assert_eq!(error(customer, "1", "ten", "1", Field::Quantity), "Quantity must be a number.");
        assert_eq!(error(customer, "1", "inf", "1", Field::Quantity), "Quantity must be a number.");
        assert_eq!(
            error(customer, "1", "1.5", "1", Field::Quantity),
            "Quantity must be a whole number of pieces."
        );
        assert_eq!(
            error(customer, "1", "-2", "1", Field::Quantity),
            "Quantity must be above zero: the model was trained on sales only."
        );
        assert!(error(customer, "1", "1", "2,55", Field::UnitPrice).contains("point"));
        assert_eq!(
            error(customer, "1", "1", "0", Field::UnitPrice),
            "UnitPrice must be above zero: the model was trained on sales only."
        );
    }

    #[test]
    fn a_raw_model_takes_returns() {
        let form = form(Entity::Product, "85123A", "-2", "0");
        assert!(form.request(Some(Filter::All)).is_some());
        assert!(form.request(None).is_some(), "left to the server where the model is not known");
        assert_eq!(form.first_wrong(SALES), Some(Field::Quantity));
    }

    #[test]
    fn errors_wait_until_a_field_was_left_or_the_form_sent() {
        let form = Rc::new(form(Entity::Customer, "", "", ""));
        assert_eq!(form.shown_error(Field::Id, SALES), None);
        let form = form.reduce(Action::Blurred(Field::Quantity));
        assert!(form.shown_error(Field::Quantity, SALES).is_some());
        assert_eq!(form.shown_error(Field::Id, SALES), None);
        let form = form.reduce(Action::Submitted);
        assert!(form.shown_error(Field::Id, SALES).is_some());
    }

    #[test]
    fn each_entity_keeps_its_own_id() {
        let form = Rc::new(form(Entity::Customer, "17850", "10", "5"));
        let form = form.reduce(Action::Entity(Entity::Product));
        assert_eq!((form.text(Field::Id), form.text(Field::Quantity)), ("", "10"));
        let form = form.reduce(Action::Entity(Entity::Customer));
        assert_eq!(form.text(Field::Id), "17850");
    }
}
