# The tests of the server room (empty so far).
