"""Learning from preferences: DPO on pairs of answers and KTO on single judged ones, for both model families."""
