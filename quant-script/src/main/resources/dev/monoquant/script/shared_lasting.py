# Inputs that several weights share are codes.
def shared_codes(input: Tensor,
    step: float,
    zero: int) -> Tensor:
  return __torch__.monoquant.bytes_of(torch.mul(input, 1. / step), zero)
def shared_rows(input: Tensor,
    range: Tensor,
    zero: int) -> Tensor:
  return __torch__.monoquant.bytes_of(torch.div(input, range), zero)
def shared_product(codes: Tensor,
    step: float,
    zero: int,
    pack: Pack,
    scale: Tensor,
    zeros: Tensor,
    offsets: Optional[Tensor]) -> Tensor:
  return __torch__.monoquant.product_of(codes, step, zero, pack, scale, zeros, offsets, None)
