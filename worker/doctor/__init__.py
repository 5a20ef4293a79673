"""The doctor: one question per function, each answer a finding that says what to do."""
