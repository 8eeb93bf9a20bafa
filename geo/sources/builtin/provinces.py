"""Real facts on the 31 provinces of mainland China, typed in: codes, names, capitals, land areas, census residents.

Only published facts belong here; anything invented is in the neighbouring files. Hong Kong, Macau and Taiwan are
absent: the mainland censuses do not count them.

Sources:
    Codes and Chinese names: GB/T 2260, the first two digits (names without the administrative suffix).
    Residents 2000: tabulation of the 5th national census by the National Bureau of Statistics (year-book, residents
        by province; total 1,242,612,226). Not communique no. 2 of April 2001, an earlier quick count in units of
        10,000 (Beijing 13.82 million there, 13,569,194 here).
    Residents 2010: tabulation of the 6th national census; total 1,332,810,869, the military not included.
    Residents 2020: communique no. 3 of the 7th national census; total 1,409,778,724, the military not included.
    Land areas: figures of the provincial governments and land surveys, rounded to four digits and given from general
        knowledge, good to a few per cent; for Qinghai and Ningxia the land-survey figure, which is well below the
        older 722,300 and 66,400 km2. They only steer the size of the schematic provinces.
    Capitals: city centres, rounded to 0.01 degree.
"""

from dataclasses import dataclass

TOTAL_RESIDENTS = {2000: 1_242_612_226, 2010: 1_332_810_869, 2020: 1_409_778_724}
"""Published national totals (persons, mainland, without the military), the sums of the rows below."""


@dataclass(frozen=True)
class Province:
    """One province; residents are whole persons at the census night (1 November), the capital in degrees (WGS 84)."""

    code: str
    name: str
    name_zh: str
    capital: str
    capital_lon: float
    capital_lat: float
    land_area_km2: float
    residents_2000: int
    residents_2010: int
    residents_2020: int

    def residents(self, year: int) -> int:
        """Residents (persons) counted by the census of `year`.

        Raises:
            KeyError: for a year other than 2000, 2010 and 2020.
        """
        return {2000: self.residents_2000, 2010: self.residents_2010, 2020: self.residents_2020}[year]


PROVINCES: tuple[Province, ...] = (
    Province("11", "Beijing", "北京", "Beijing", 116.41, 39.9, 16_410, 13_569_194, 19_612_368, 21_893_095),
    Province("12", "Tianjin", "天津", "Tianjin", 117.2, 39.08, 11_920, 9_848_731, 12_938_693, 13_866_009),
    Province("13", "Hebei", "河北", "Shijiazhuang", 114.51, 38.04, 188_800, 66_684_419, 71_854_210, 74_610_235),
    Province("14", "Shanxi", "山西", "Taiyuan", 112.55, 37.87, 156_700, 32_471_242, 35_712_101, 34_915_616),
    Province("15", "Inner Mongolia", "内蒙古", "Hohhot", 111.75, 40.84, 1_183_000, 23_323_347, 24_706_291, 24_049_155),
    Province("21", "Liaoning", "辽宁", "Shenyang", 123.43, 41.8, 148_000, 41_824_412, 43_746_323, 42_591_407),
    Province("22", "Jilin", "吉林", "Changchun", 125.32, 43.82, 187_400, 26_802_191, 27_452_815, 24_073_453),
    Province("23", "Heilongjiang", "黑龙江", "Harbin", 126.53, 45.8, 473_000, 36_237_576, 38_313_991, 31_850_088),
    Province("31", "Shanghai", "上海", "Shanghai", 121.47, 31.23, 6_340, 16_407_734, 23_019_196, 24_870_895),
    Province("32", "Jiangsu", "江苏", "Nanjing", 118.8, 32.06, 107_200, 73_043_577, 78_660_941, 84_748_016),
    Province("33", "Zhejiang", "浙江", "Hangzhou", 120.16, 30.27, 105_500, 45_930_651, 54_426_891, 64_567_588),
    Province("34", "Anhui", "安徽", "Hefei", 117.23, 31.82, 140_100, 58_999_948, 59_500_468, 61_027_171),
    Province("35", "Fujian", "福建", "Fuzhou", 119.3, 26.07, 124_000, 34_097_947, 36_894_217, 41_540_086),
    Province("36", "Jiangxi", "江西", "Nanchang", 115.86, 28.68, 166_900, 40_397_598, 44_567_797, 45_188_635),
    Province("37", "Shandong", "山东", "Jinan", 117.12, 36.65, 157_900, 89_971_789, 95_792_719, 101_527_453),
    Province("41", "Henan", "河南", "Zhengzhou", 113.63, 34.75, 167_000, 91_236_854, 94_029_939, 99_365_519),
    Province("42", "Hubei", "湖北", "Wuhan", 114.31, 30.59, 185_900, 59_508_870, 57_237_727, 57_752_557),
    Province("43", "Hunan", "湖南", "Changsha", 112.94, 28.23, 211_800, 63_274_173, 65_700_762, 66_444_864),
    Province("44", "Guangdong", "广东", "Guangzhou", 113.26, 23.13, 179_700, 85_225_007, 104_320_459, 126_012_510),
    Province("45", "Guangxi", "广西", "Nanning", 108.37, 22.82, 237_600, 43_854_538, 46_023_761, 50_126_804),
    Province("46", "Hainan", "海南", "Haikou", 110.33, 20.03, 35_400, 7_559_035, 8_671_485, 10_081_232),
    Province("50", "Chongqing", "重庆", "Chongqing", 106.55, 29.56, 82_400, 30_512_763, 28_846_170, 32_054_159),
    Province("51", "Sichuan", "四川", "Chengdu", 104.07, 30.57, 486_000, 82_348_296, 80_417_528, 83_674_866),
    Province("52", "Guizhou", "贵州", "Guiyang", 106.63, 26.65, 176_200, 35_247_695, 34_748_556, 38_562_148),
    Province("53", "Yunnan", "云南", "Kunming", 102.83, 24.88, 394_100, 42_360_089, 45_966_766, 47_209_277),
    Province("54", "Tibet", "西藏", "Lhasa", 91.12, 29.65, 1_202_800, 2_616_329, 3_002_165, 3_648_100),
    Province("61", "Shaanxi", "陕西", "Xi'an", 108.94, 34.34, 205_600, 35_365_072, 37_327_379, 39_528_999),
    Province("62", "Gansu", "甘肃", "Lanzhou", 103.83, 36.06, 425_800, 25_124_282, 25_575_263, 25_019_831),
    Province("63", "Qinghai", "青海", "Xining", 101.78, 36.62, 696_700, 4_822_963, 5_626_723, 5_923_957),
    Province("64", "Ningxia", "宁夏", "Yinchuan", 106.23, 38.49, 51_950, 5_486_393, 6_301_350, 7_202_654),
    Province("65", "Xinjiang", "新疆", "Urumqi", 87.62, 43.83, 1_664_900, 18_459_511, 21_815_815, 25_852_345),
)
