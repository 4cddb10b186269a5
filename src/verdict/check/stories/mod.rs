//! The rules of judgement as stories on hand-made facts: judge, memory and checks together, as the engine asks them.

mod across;
mod domain_checks;
mod fixture;
mod rules_check;
mod rules_flow;
mod rules_name;
mod rules_proxy;
mod rules_time;
