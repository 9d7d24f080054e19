"""The scaling core: pure decisions about a stateful cluster. It knows neither AWS nor the storage engine."""
