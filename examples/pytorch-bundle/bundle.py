"""Writes an nn.Sequential as a bundle for bitloom: layers in a manifest (.json), weights beside it (.safetensors).
save_bundle(model, "net.json", (1, 28, 28), {Sign: {"type": "sign", "sign_of_zero": 1}, BinaryLinear: {...}}): the last
argument says what your own classes do: of a subclass of Linear or Conv how its weights are quantized, of others which
layer they are. A function in it gets the module, its tensor is stored: {"scale": lambda m: m.weight.abs().mean()}."""
import json
from pathlib import Path
from safetensors.torch import save_file
from torch import __version__, nn

CONV, POOL, COUNT = ("stride", "dilation", "groups"), ("kernel_size", "stride", "ceil_mode"), ("count_include_pad",)
TYPES = [  # class, type in the manifest, fields of the same names
    (nn.Conv1d, "conv1d", CONV), (nn.Conv2d, "conv2d", CONV), (nn.Linear, "linear", ()), (nn.Flatten, "flatten", ()),
    (nn.BatchNorm1d, "batchnorm", ("eps",)), (nn.BatchNorm2d, "batchnorm", ("eps",)), (nn.ReLU, "relu", ()),
    (nn.MaxPool1d, "maxpool1d", (*POOL, "dilation")), (nn.MaxPool2d, "maxpool2d", (*POOL, "dilation")),
    (nn.AvgPool1d, "avgpool1d", (*POOL, *COUNT)), (nn.AvgPool2d, "avgpool2d", (*POOL, *COUNT)),
    (nn.AdaptiveAvgPool1d, "global_avgpool", ()), (nn.AdaptiveAvgPool2d, "global_avgpool", ()), (nn.PReLU, "prelu", ()),
    (nn.Hardtanh, "hardtanh", ("min_val", "max_val")), (nn.LeakyReLU, "leaky_relu", ("negative_slope",)),
    (nn.ChannelShuffle, "channel_shuffle", ("groups",)), (nn.Softmax, "softmax", ("dim",))]
SETTINGS = {"padding_mode": ["zeros"], "output_size": [1, (1,), (1, 1)], "start_dim": [1], "end_dim": [-1],
            "divisor_override": [None], "return_indices": [False]}  # settings that are no fields, as they must be
TENSORS, WEIGHTED = ("weight", "bias", "running_mean", "running_var"), ("conv1d", "conv2d", "linear")


def sides(m):  # of "same", the larger half of an odd number stands behind
    if isinstance(m.padding, str):
        gaps = [d * (k - 1) if m.padding == "same" else 0 for d, k in zip(m.dilation, m.kernel_size)]
        return [n // 2 for n in gaps] + [n - n // 2 for n in gaps]
    return m.padding if isinstance(m.padding, int) else [*m.padding, *m.padding]


def layer_of(name, m, own):
    fits = [t[1:] for t in TYPES if isinstance(m, t[0]) and (own or type(m).forward is t[0].forward)]
    kind, fields = (*fits, (None, ()))[0]
    if kind is None and own is None:
        raise TypeError(f"{name or 'model'}: own_classes must say what {type(m).__name__} does, or use nn.Sequential")
    if any(getattr(m, key, values[0]) not in values for key, values in SETTINGS.items()):
        raise ValueError(f"{name} has settings that a manifest does not know: {m}")
    layer = {"name": name, "type": kind, **{field: getattr(m, field) for field in fields}}
    layer |= {key: f"{name}.{key}" for key in TENSORS if kind and getattr(m, key, None) is not None}
    if kind and hasattr(m, "padding"):
        layer |= {"padding": sides(m)} | ({"padding_value": 0} if kind in WEIGHTED else {})
    return layer | ({"weight_quantizer": own or {"type": "none"}} if kind in WEIGHTED else own or {})


def modules_of(model, prefix=""):
    inner = model._modules.items() if type(model).forward is nn.Sequential.forward else ()
    return [pair for name, m in inner for pair in modules_of(m, f"{prefix}{name}.")] or [(prefix[:-1], model)]


def save_bundle(model, path, input_shape, own_classes={}):
    path, layers, tensors = Path(path), [], {k: v for k, v in model.state_dict().items() if "num_batches" not in k}
    for name, m in modules_of(model):
        own = next((dict(entry) for cls, entry in own_classes.items() if isinstance(m, cls)), None)
        for key in [key for key, value in (own or {}).items() if callable(value)]:
            own[key], tensors[f"{name}.{key}"] = f"{name}.{key}", own[key](m)
        layers += [] if isinstance(m, (nn.modules.dropout._DropoutNd, nn.Identity)) else [layer_of(name, m, own)]
    save_file({k: v.detach().clone().contiguous() for k, v in tensors.items()}, path.with_suffix(".safetensors"))
    bundle = {"format": "bitloom-bundle", "version": 1, "name": path.stem, "producer": f"torch {__version__}",
              "weights": f"{path.stem}.safetensors", "input": {"shape": [1, *input_shape]}, "layers": layers}
    path.write_text(json.dumps(bundle, indent=1) + "\n")
