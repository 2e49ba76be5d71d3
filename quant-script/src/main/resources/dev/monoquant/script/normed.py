# Codes are normalized already, by the layer that gave them.
def normed(input: Tensor,
    weight: Optional[Tensor],
    bias: Optional[Tensor],
    mean: Optional[Tensor],
    variance: Optional[Tensor],
    training: bool,
    momentum: float,
    epsilon: float,
    fast: bool) -> Tensor:
  if ops.prim.dtype(input) == 0:
    return input
  return torch.batch_norm(input, weight, bias, mean, variance, training, momentum, epsilon, fast)
