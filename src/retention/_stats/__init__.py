"""Statistics that several rooms of the maths share.

Pure functions on arrays that were checked at the door: nothing here checks again, draws at random or knows what a
customer is. What needs scipy imports it inside the function that does.
"""
