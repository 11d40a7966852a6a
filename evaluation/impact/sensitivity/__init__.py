"""How far an estimate hangs on what was assumed and chosen: parallel trends, who is left out, every other choice."""
