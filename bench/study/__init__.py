"""The visual Turing study: can people tell refined images from real ones? Design, page, server, answers, analysis."""
