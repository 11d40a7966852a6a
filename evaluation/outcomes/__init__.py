"""What the programme's own published figures say: goals, growth, budget, press figures."""
