//! What is remembered between flows; bounded; fed in the order of the input only.
