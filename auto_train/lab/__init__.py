"""A simulated lab, lived night by night, that holds what people are told against what is true."""
