"""The structure of a message: where its parts are, what they are, what they say.

Octets in, values out. `scanner.Scanner` is fed a message in pieces and gives a
tree of `structure.Part`; `card.make_card` turns the tree into the few hundred
bytes that are stored beside the message; `card.Card` reads them again, one
thing at a time. `decode` undoes transfer encodings, `text` yields what SEARCH
looks through.

Any octets are a message. Nothing here raises on bad input, and everything takes
time in proportion to its input, whoever wrote it. Knows no socket, file, clock
or reactor.
"""
