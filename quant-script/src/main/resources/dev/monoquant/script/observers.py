# Weights whose inputs are observed. Written for libtorch 2.7 to 2.13; no shapes are fixed here.
# Parameters, which an engine can read by name, are the sums. Nothing here changes an input.
#
# numbers: 0 columns of the weight matrix, 1 whether to add up products of columns, 2 bins of the
#   histogram or 0, 3 rows of a table or 0, from 4 on of a convolution stride, padding and dilation
#   of two axes each, groups, the kernel's two axes, and whether it has one axis only; else empty
# bounds: of the histogram
# totals: 0 rows seen, 1 calls, 2 calls left out since an input was not finite, 3 least, 4 greatest,
#   5 least and 6 greatest as moving averages, 7 numbers seen
class Observed(ModuleInterface):
  def tensor(self: __torch__.monoquant.Observed) -> Tensor:
    pass
  def rows(self: __torch__.monoquant.Observed,
    input: Tensor,
    axis: int) -> Tensor:
    pass
  def windows(self: __torch__.monoquant.Observed,
    input: Tensor) -> Tensor:
    pass
  def indices(self: __torch__.monoquant.Observed,
    input: Tensor) -> Tensor:
    pass
class Observer(Module):
  __parameters__ = ["totals", "squares", "products", "bins", "looks", "lows", "highs", ]
  __buffers__ = []
  training : bool
  whole : Optional[Tensor]
  numbers : List[int]
  bounds : List[float]
  totals : Tensor
  squares : Tensor
  products : Tensor
  bins : Tensor
  looks : Tensor
  lows : Tensor
  highs : Tensor
  def __getstate__(self: __torch__.monoquant.Observer) -> Tuple[Optional[Tensor], List[int], List[float]]:
    return (self.whole, self.numbers, self.bounds)
  def __setstate__(self: __torch__.monoquant.Observer,
    state: Tuple[Optional[Tensor], List[int], List[float]]) -> NoneType:
    whole, numbers, bounds = state
    self.training = False
    self.whole = whole
    self.numbers = numbers
    self.bounds = bounds
    columns = numbers[0]
    side = columns * numbers[1]
    self.totals = torch.zeros([8], dtype=7)
    self.squares = torch.zeros([columns], dtype=7)
    self.products = torch.zeros([side, side], dtype=6)
    self.bins = torch.zeros([numbers[2]], dtype=7)
    self.looks = torch.zeros([numbers[3]], dtype=7)
    self.lows = torch.zeros([columns], dtype=7)
    self.highs = torch.zeros([columns], dtype=7)
    return None
  def tensor(self: __torch__.monoquant.Observer) -> Tensor:
    return unchecked_cast(Tensor, self.whole)
  def ranged(self: __torch__.monoquant.Observer,
    input: Tensor) -> bool:
    totals = self.totals
    if torch.numel(input) == 0:
      return False
    low, high = torch.aminmax(input)
    least = float(low)
    greatest = float(high)
    calls = float(torch.select(totals, 0, 1))
    if not greatest - least < inf:
      skipped = float(torch.select(totals, 0, 2))
      torch.fill_(torch.select(totals, 0, 2), skipped + 1.)
      return False
    mean_low = least
    mean_high = greatest
    if calls > 0.:
      old_low = float(torch.select(totals, 0, 5))
      old_high = float(torch.select(totals, 0, 6))
      mean_low = old_low + 0.01 * (least - old_low)
      mean_high = old_high + 0.01 * (greatest - old_high)
      least = min(least, float(torch.select(totals, 0, 3)))
      greatest = max(greatest, float(torch.select(totals, 0, 4)))
    torch.fill_(torch.select(totals, 0, 1), calls + 1.)
    torch.fill_(torch.select(totals, 0, 3), least)
    torch.fill_(torch.select(totals, 0, 4), greatest)
    torch.fill_(torch.select(totals, 0, 5), mean_low)
    torch.fill_(torch.select(totals, 0, 6), mean_high)
    torch.add_(torch.select(totals, 0, 7), torch.numel(input))
    numbers = self.numbers
    if numbers[2] > 0:
      bounds = self.bounds
      torch.add_(self.bins, torch.histc(input, numbers[2], bounds[0], bounds[1]))
    return True
  def take(self: __torch__.monoquant.Observer,
    flat: Tensor) -> NoneType:
    if flat.size(0) == 0:
      return None
    low = torch.amin(flat, [0])
    high = torch.amax(flat, [0])
    if float(torch.select(self.totals, 0, 0)) > 0.:
      low = torch.minimum(self.lows, low)
      high = torch.maximum(self.highs, high)
    torch.copy_(self.lows, low)
    torch.copy_(self.highs, high)
    torch.add_(torch.select(self.totals, 0, 0), flat.size(0))
    torch.add_(self.squares, torch.sum(torch.mul(flat, flat), [0], False, dtype=7))
    numbers = self.numbers
    if numbers[1] == 1:
      torch.addmm_(self.products, torch.t(flat), flat)
    return None
  def rows(self: __torch__.monoquant.Observer,
    input: Tensor,
    axis: int) -> Tensor:
    wide = torch.to(input, 6)
    if self.ranged(wide):
      numbers = self.numbers
      self.take(torch.reshape(torch.movedim(wide, axis, -1), [-1, numbers[0]]))
    return input
  def windows(self: __torch__.monoquant.Observer,
    input: Tensor) -> Tensor:
    numbers = self.numbers
    wide = torch.to(input, 6)
    if self.ranged(wide):
      single = numbers[13] == 1
      axes = 2 if single else 3
      if torch.dim(wide) == axes:
        wide = torch.unsqueeze(wide, 0)
      if single:
        wide = torch.unsqueeze(wide, 2)
      for i in range(wide.size(0)):
        one = torch.slice(wide, 0, i, i + 1)
        places = torch.im2col(one, numbers[11:13], numbers[8:10], numbers[6:8], numbers[4:6])
        groups = torch.reshape(places, [numbers[10], numbers[0], -1])
        self.take(torch.reshape(torch.transpose(groups, 1, 2), [-1, numbers[0]]))
    return input
  def indices(self: __torch__.monoquant.Observer,
    input: Tensor) -> Tensor:
    numbers = self.numbers
    if torch.numel(input) > 0:
      totals = self.totals
      torch.add_(torch.select(totals, 0, 1), 1)
      torch.add_(torch.select(totals, 0, 0), torch.numel(input))
      seen = torch.bincount(torch.reshape(input, [-1]), None, numbers[3])
      torch.add_(self.looks, seen)
    return input
