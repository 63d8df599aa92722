"""Pure decisions: no clock, socket, loop, logger or environment. Time comes in as a value, entropy as bytes."""
