"""`headwater simulate`: scenarios, the process that plays them, and what is made of its reports."""
