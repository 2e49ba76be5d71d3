  # The input as kernels take it, for all weights that it is multiplied by: the mode (-1 where each
  # weight must see the input itself, as one that divides it must), codes, range, middle, step and
  # zero point. The numbers are those of product, to the bit.
  def prepared(self: __torch__.monoquant.Weight,
    input: Tensor) -> Tuple[int, Tensor, Tensor, Tensor, float, int]:
    shared = self.mode
    if shared < 1 or shared > 3 or self.units is not None or self.dtype != 6 or torch.dim(input) == 1 or torch.numel(input) == 0:
      return (-1, input, input, input, 1., 0)
    if shared == 1:
      low, high = torch.aminmax(input)
      least = float(low)
      greatest = float(high)
      if greatest - least < inf:
        step, zero = __torch__.monoquant.input_range(least, greatest, 255)
        return (1, __torch__.monoquant.shared_codes(input, step, zero), input, input, step, zero)
      return (-1, input, input, input, 1., 0)
    high = torch.amax(input, [-1], True)
    low = torch.amin(input, [-1], True)
    if shared == 2:
      range = torch.clamp_min(torch.maximum(high, torch.neg(low)), 1.0e-12)
      if float(torch.amin(low)) >= 0.:
        range = torch.mul(range, 0.00392156862745098)
        return (2, __torch__.monoquant.shared_rows(input, range, 0), range, range, 1., 0)
      range = torch.mul(range, 0.007874015748031496)
      return (2, __torch__.monoquant.shared_rows(input, range, 128), range, range, 1., 128)
    middle = torch.mul(torch.add(low, high), 0.5)
    range = torch.clamp_min(torch.mul(torch.sub(high, low), 0.003937007874015748), 1.0e-14)
    return (3, __torch__.monoquant.shared_rows(torch.sub(input, middle), range, 128), range, middle, 1., 128)
  def linear_of(self: __torch__.monoquant.Weight,
    input: Tensor,
    prepared: Tuple[int, Tensor, Tensor, Tensor, float, int],
    bias: Optional[Tensor]) -> Tensor:
    mode, codes, range, middle, step, zero = prepared
    if mode != self.mode or self.units is not None or self.dtype != 6:
      return self.linear(input, bias)
    product = __torch__.monoquant.shared_product(codes, step, zero, unchecked_cast(Pack, self.pack), self.scale, self.zeros, self.offsets)
    if mode == 1:
      if self.bound or bias is None:
        return product
      return torch.add_(product, bias)
    if mode == 2:
      if bias is None:
        return torch.mul_(product, range)
      return torch.addcmul(bias, product, range)
    product = torch.addcmul_(torch.mul_(product, range), middle, self.sums)
    if bias is None:
      return product
    return torch.add_(product, bias)
