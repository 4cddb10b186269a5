//! FAMILY: the functions of the checks, one file a letter, tied to `policy::catalog` by a test.
