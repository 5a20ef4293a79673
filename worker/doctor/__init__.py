"""The doctor: one question a function, each answer a finding that says what to do."""
