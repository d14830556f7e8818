"""How each kind of source system says it: a module a dialect, from a Report to what goes out."""
