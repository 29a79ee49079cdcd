"""The laboratory: figures today; teachers, students and studies are to come."""
