"""Judges of homework 4, in the order in which a student meets the exercises."""

ORDER = (
    "observation_history",
    "global_state",
    "centralized_value",
    "policy_parameters",
    "multi_agent_gae",
    "mappo_loss",
    "convergence",
)
