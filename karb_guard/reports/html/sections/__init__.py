"""The sections of the page, from what a lead asks first to what an engineer looks up."""
