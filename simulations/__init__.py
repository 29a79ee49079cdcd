"""The laboratory: teachers, students, studies with their ledger, figures."""
