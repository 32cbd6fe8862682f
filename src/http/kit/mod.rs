//! What the pages of the console and the account are made of: a page is data, blocks of tables, forms, facts and charts, and
//! one set of templates writes it. So each page has the same structure for keyboards and screen readers, and nothing that
//! somebody typed is ever markup.

pub mod agent;
pub mod brand;
pub mod cell;
pub mod chart;
pub mod confirm;
pub mod day;
pub mod desk;
pub mod form;
pub mod nav;
pub mod page;
pub mod sentences;
pub mod submit;
pub mod table;
pub mod texts;
