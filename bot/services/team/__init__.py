"""The team: permissions, owners of evaluations and how they are chosen, absences, lists."""
