"""Party-masses service points (党群服务点) and the town's Party-building map."""
