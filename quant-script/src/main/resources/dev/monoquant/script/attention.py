# Attention by the kernel of torch, where it gives what its parts give, within rounding.
#
# Of FLOAT32 numbers of equal axes. A number that replaces scores is added to them instead. Either it
# is so far below that no score changes it, or it is the only mask, and leaves a score of each row.
def fits(query: Tensor,
    key: Tensor,
    value: Tensor,
    axis: int,
    scale: float,
    bias: Optional[Tensor],
    hidden: Optional[Tensor],
    fill: float,
    alone: bool) -> bool:
  rank = torch.dim(query)
  if rank < 3 or rank > 4 or torch.dim(key) != rank or torch.dim(value) != rank:
    return False
  if axis != -1 and axis != rank - 1:
    return False
  if ops.prim.dtype(query) != 6 or ops.prim.dtype(key) != 6 or ops.prim.dtype(value) != 6:
    return False
  if torch.size(key, -2) != torch.size(query, -1) or torch.size(value, -2) != torch.size(key, -1):
    return False
  for i in range(rank - 2):
    if torch.size(key, i) != torch.size(query, i) or torch.size(value, i) != torch.size(query, i):
      return False
  if not scale > 0.:
    return False
  if bias is not None:
    axes = torch.dim(bias)
    if axes > rank or ops.prim.dtype(bias) != 6:
      return False
    for i in range(axes):
      size = torch.size(bias, axes - 1 - i)
      whole = torch.size(key, -1)
      if i > 0:
        whole = torch.size(query, rank - 1 - i)
      if size != 1 and size != whole:
        return False
  if hidden is not None and fill > -1.0000000000000001e+30:
    if not alone or fill > -1.0e+9 or bool(torch.any(torch.all(hidden, -1))):
      return False
  return True
def hiding(hidden: Tensor,
    fill: float) -> Tensor:
  return torch.masked_fill(torch.zeros_like(hidden, dtype=6), hidden, fill)
def attention(query: Tensor,
    key: Tensor,
    value: Tensor,
    scale: float,
    bias: Optional[Tensor]) -> Tensor:
  keys = torch.transpose(key, -2, -1)
  mask = bias
  if bias is not None:
    whole = bias
    for i in range(4 - torch.dim(bias)):
      whole = torch.unsqueeze(whole, 0)
    mask = whole
  if torch.dim(query) == 4:
    return torch.scaled_dot_product_attention(query, keys, value, mask, 0., False, scale=scale)
  made = torch.scaled_dot_product_attention(torch.unsqueeze(query, 0), torch.unsqueeze(keys, 0), torch.unsqueeze(value, 0), mask, 0., False, scale=scale)
  return torch.squeeze(made, 0)
