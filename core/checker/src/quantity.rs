//! Numbers inside the CEL interpreter: exact fractions. Units were checked before; here a number is
//! in its base unit (dollars, milliseconds, bytes).

use std::any::Any;
use std::cmp::Ordering;

use cel::ExecutionError;
use cel::common::traits::{Adder, Comparer, Divider, Multiplier, Negator, Subtractor};
use cel::common::types::Type;
use cel::common::value::{CowVal, StaticVal, Val};
use num_rational::Ratio;
use num_traits::{CheckedAdd, CheckedDiv, CheckedMul, CheckedSub};

static QUANTITY: Type = Type::new_unspecified_type("quantity");

/// An exact number, and for money the hours it is paid for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Quantity {
    pub(crate) value: Ratio<i128>,
    /// Hours of the time that money is paid for: of an hour, a month or a year.
    pub(crate) hours: Option<i128>,
}

impl PartialEq for Quantity {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

impl Quantity {
    pub(crate) fn plain(value: Ratio<i128>) -> Self {
        Self { value, hours: None }
    }

    pub(crate) fn integer(value: i128) -> Self {
        Self::plain(Ratio::from_integer(value))
    }

    /// Money paid for so many hours.
    pub(crate) fn paid(value: Ratio<i128>, hours: i128) -> Self {
        Self { value, hours: Some(hours) }
    }
}

fn in_range<'b, 'v>(
    result: Option<Ratio<i128>>,
    hours: Option<i128>,
) -> Result<CowVal<'b, 'v>, ExecutionError> {
    let says = "the result leaves the range of exact numbers".to_owned();
    result
        .map(|value| CowVal::owned(Quantity { value, hours }))
        .ok_or(ExecutionError::InternalError(says))
}

impl Val for Quantity {
    fn get_type(&self) -> &Type {
        &QUANTITY
    }

    fn cel_type() -> &'static Type {
        &QUANTITY
    }

    fn as_adder<'b, 'v>(&'b self) -> Option<&'b (dyn Adder + 'v)>
    where
        Self: 'v,
    {
        Some(self)
    }

    fn as_comparer(&self) -> Option<&dyn Comparer> {
        Some(self)
    }

    fn as_divider<'b, 'v>(&'b self) -> Option<&'b (dyn Divider + 'v)>
    where
        Self: 'v,
    {
        Some(self)
    }

    fn as_multiplier<'b, 'v>(&'b self) -> Option<&'b (dyn Multiplier + 'v)>
    where
        Self: 'v,
    {
        Some(self)
    }

    fn as_negator<'b, 'v>(&'b self) -> Option<&'b (dyn Negator + 'v)>
    where
        Self: 'v,
    {
        Some(self)
    }

    fn as_subtractor<'b, 'v>(&'b self) -> Option<&'b (dyn Subtractor + 'v)>
    where
        Self: 'v,
    {
        Some(self)
    }

    fn equals(&self, other: &dyn Val) -> bool {
        other.downcast_ref::<Self>() == Some(self)
    }

    fn clone_as_boxed<'v>(&self) -> Box<dyn Val + 'v>
    where
        Self: 'v,
    {
        Box::new(*self)
    }

    fn as_any(&self) -> Option<&dyn Any> {
        Some(self)
    }
}

impl StaticVal for Quantity {}

impl Adder for Quantity {
    fn add<'b, 'v>(&'b self, rhs: &(dyn Val + 'v)) -> Result<CowVal<'b, 'v>, ExecutionError>
    where
        Self: 'v,
    {
        let rhs = number(rhs)?;
        in_range(self.value.checked_add(&rhs.value), self.hours.or(rhs.hours))
    }
}

impl Subtractor for Quantity {
    fn sub<'b, 'v>(&'b self, rhs: &(dyn Val + 'v)) -> Result<CowVal<'b, 'v>, ExecutionError>
    where
        Self: 'v,
    {
        let rhs = number(rhs)?;
        in_range(self.value.checked_sub(&rhs.value), self.hours.or(rhs.hours))
    }
}

impl Multiplier for Quantity {
    fn mul<'b, 'v>(&'b self, rhs: &(dyn Val + 'v)) -> Result<CowVal<'b, 'v>, ExecutionError>
    where
        Self: 'v,
    {
        let rhs = number(rhs)?;
        in_range(self.value.checked_mul(&rhs.value), self.hours.or(rhs.hours))
    }
}

impl Divider for Quantity {
    fn div<'b, 'v>(&'b self, rhs: &(dyn Val + 'v)) -> Result<CowVal<'b, 'v>, ExecutionError>
    where
        Self: 'v,
    {
        let rhs = number(rhs)?;
        let hours = if rhs.hours.is_some() { None } else { self.hours };
        in_range(self.value.checked_div(&rhs.value), hours)
    }
}

impl Negator for Quantity {
    fn negate<'v>(&self) -> Result<Box<dyn Val + 'v>, ExecutionError>
    where
        Self: 'v,
    {
        Ok(Box::new(Self { value: -self.value, ..*self }))
    }
}

impl Comparer for Quantity {
    fn compare(&self, rhs: &dyn Val) -> Result<Ordering, ExecutionError> {
        Ok(self.value.cmp(&number(rhs)?.value))
    }
}

/// The number behind a value.
fn number(value: &(dyn Val + '_)) -> Result<Quantity, ExecutionError> {
    value.downcast_ref::<Quantity>().copied().ok_or_else(|| ExecutionError::UnexpectedType {
        got: value.get_type().name().to_owned(),
        want: "quantity".to_owned(),
    })
}
