"""Everything that may be chosen."""

from gcb6206.exercises import solves


@solves("hw5.shaping")
def shaping():
    return """
        score: 0
        treasure: 3
        end: 3
        missed: -0.5
        buff: 0.1
        approach: 0.3
        flash_approach: 0.3
        wall: -0.05
        flash_wall: -0.5
        revisit: -0.02
        step: -0.01
        learning_rate: 0.001
        learning_rate_final: 0.0002
        gamma: 0.95
        gae_lambda: 0.9
        clip_range: 0.2
        ent_coef: 0.01
        ent_coef_final: 0.001
        vf_coef: 0.5
        max_grad_norm: 1
        normalize_advantages: true
        n_epochs: 2
        batch_size: 256
        production_consume_ratio: 1
        max_lag: 4
        vtrace: true
    """
