//! The steps of RULES 3 and the five verdicts; pure functions of policy and facts.
